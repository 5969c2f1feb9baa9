package archtest

import (
	"go/ast"
	"go/format"
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxLines is the length of a file that needs no second look. Tests may be
// longer: nobody has to hold a whole file of them in mind.
const maxLines = 400

// topFolders are the folders that the design fixes.
var topFolders = []string{"app", "assets", "codec", "mixclient", "server", "transport"}

// emptyNames say nothing of what is in a package.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "types", "pkg", "misc", "base", "shared"}

// developerPath matches absolute paths that only some person's machine has.
var developerPath = regexp.MustCompile(`(?m)(^|[^\w./-])(/home/[\w.-]+/|/Users/[\w.-]+/|/ro` + `ot/|[A-Z]:\\Users\\)`)

// promise matches words for what is not done. It is put together here so that it
// does not match itself.
var promise = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)

func sourceRules() []rule {
	return []rule{
		{name: "top level", check: checkTop, broken: []map[string]string{{"scripts/a.go": "package scripts\n"}}},
		{name: "package names", check: checkNames, broken: []map[string]string{
			{"app/internal/util/a.go": "package util\n"},
			{"app/internal/x/a.go": "package helpers\n"},
		}},
		{name: "package comments", check: checkPackageComments, broken: []map[string]string{
			{"codec/a.go": "package codec\n"},
			{"codec/a.go": "// Detached.\n\npackage codec\n"},
		}},
		{name: "doc comments", check: checkDocs, broken: []map[string]string{
			{"codec/a.go": "package codec\nfunc F() {}\n"},
			{"codec/a.go": "package codec\ntype T int\n"},
			{"codec/a.go": "package codec\n// T is.\ntype T int\nfunc (t *T) M() {}\n"},
			{"codec/a.go": "package codec\nconst (\n\tA = 1\n)\n"},
			{"codec/a.go": "package codec\nvar V int\n"},
		}},
		{name: "gofmt", check: checkFormat, broken: []map[string]string{{"codec/a.go": "package codec\nvar  v int\n"}}},
		{name: "length", check: checkLength, broken: []map[string]string{
			{"codec/a.go": "package codec\n" + strings.Repeat("// x\n", maxLines)},
		}},
		{name: "exits", check: checkExits, broken: []map[string]string{
			{"codec/a.go": "package codec\nimport \"os\"\nfunc f() { os.Exit(1) }\n"},
			{"codec/a.go": "package codec\nimport l \"log\"\nfunc f() { l.Fatalf(\"\") }\n"},
		}},
		{name: "secrets", check: checkSecrets, broken: []map[string]string{
			{"transport/key/a.go": "package key\ntype Secret struct{}\nfunc (Secret) String() string { return \"\" }\n"},
			{"mixclient/a.go": "package mixclient\nimport \"undertone/transport/key\"\ntype T struct{ k *key.Secret }\nfunc (t *T) GoString() string { return \"\" }\n"},
		}},
		{name: "developer paths", check: checkPaths, broken: []map[string]string{
			{"README.md": "cd /ro" + "ot/undertone\n"},
			{"codec/a.go": "package codec\nconst c = \"/home" + "/anna/x\"\n"},
			{".ci/run": "ls /Us" + "ers/anna/x\n"},
		}},
		{name: "promises", check: checkPromises, broken: []map[string]string{
			{"codec/a.go": "package codec\n// TO" + "DO: write this.\n"},
		}},
		{name: "sleeps", check: checkSleeps, broken: []map[string]string{
			{"codec/a_test.go": "package codec\nimport \"time\"\nfunc f() { time.Sleep(1) }\n"},
		}},
		{name: "skips", check: checkSkips, broken: []map[string]string{
			{"codec/a_test.go": "package codec\nimport \"testing\"\nfunc TestX(t *testing.T) { t.Skip() }\n"},
		}},
	}
}

func checkTop(m *module) (all []finding) {
	for _, folder := range m.folders {
		if !slices.Contains(topFolders, folder) {
			all = append(all, found(folder, "the folders at the top are fixed: %v", topFolders))
		}
	}
	return all
}

func checkNames(m *module) (all []finding) {
	for p, s := range m.sources {
		for _, name := range []string{path.Base(p.folder), strings.TrimSuffix(s.tree.Name.Name, "_test")} {
			if slices.Contains(emptyNames, name) {
				all = append(all, found(p.folder, "the name %q says nothing of what is in it", name))
			}
		}
	}
	return all
}

func checkPackageComments(m *module) (all []finding) {
	for folder, p := range m.packages {
		if !slices.ContainsFunc(p.files, func(s *source) bool { return s.tree.Doc != nil }) {
			all = append(all, found(folder, "no package comment"))
		}
	}
	return all
}

func checkDocs(m *module) (all []finding) {
	for p, s := range m.sources {
		if s.test || p.main() {
			continue
		}
		for _, name := range undocumented(s.tree) {
			all = append(all, found(s.path+": "+name, "exported without a doc comment"))
		}
	}
	return all
}

func undocumented(tree *ast.File) (names []string) {
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				names = append(names, undocumentedSpec(d, spec)...)
			}
		}
	}
	return names
}

// undocumentedSpec returns the exported names of a declaration that nothing
// explains: neither the group's comment, nor its own, nor one in its line.
func undocumentedSpec(group *ast.GenDecl, spec ast.Spec) (names []string) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if group.Doc == nil && spec.Doc == nil && spec.Name.IsExported() {
			names = append(names, spec.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if group.Doc == nil && spec.Doc == nil && spec.Comment == nil && name.IsExported() {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// receiver returns the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	e := d.Recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if generic, ok := e.(*ast.IndexExpr); ok {
		e = generic.X
	}
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func checkFormat(m *module) (all []finding) {
	for _, s := range m.sources {
		if b, err := format.Source([]byte(s.text)); err != nil || string(b) != s.text {
			all = append(all, found(s.path, "gofmt would change it"))
		}
	}
	return all
}

func checkLength(m *module) (all []finding) {
	for _, s := range m.sources {
		if n := strings.Count(s.text, "\n"); n > maxLines && !s.test {
			all = append(all, found(s.path, "%d lines: is it one room?", n))
		}
	}
	return all
}

// calls yields every name.Function in s whose name is that of an import, as
// path.Function.
func (s *source) calls(yield func(string)) {
	imported := map[string]string{}
	for i, spec := range s.tree.Imports {
		name := path.Base(s.imports[i])
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = s.imports[i]
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && imported[x.Name] != "" {
				yield(imported[x.Name] + "." + selector.Sel.Name)
			}
		}
		return true
	})
}

// checkExits leaves the end of the program to main: anywhere else it would take
// the link with it.
func checkExits(m *module) (all []finding) {
	for p, s := range m.sources {
		if s.test || p.main() {
			continue
		}
		s.calls(func(call string) {
			if call == "os.Exit" || call == "syscall.Exit" || strings.HasPrefix(call, "log.Fatal") {
				all = append(all, found(s.path, "%s outside main", call))
			}
		})
	}
	return all
}

// checkSecrets keeps whatever holds a secret from being printed.
func checkSecrets(m *module) (all []finding) {
	for _, p := range m.packages {
		secret := secretTypes(p)
		for _, s := range p.files {
			for _, d := range s.tree.Decls {
				method, ok := d.(*ast.FuncDecl)
				if !ok || !secret[receiver(method)] {
					continue
				}
				switch method.Name.Name {
				case "String", "GoString", "MarshalText", "MarshalJSON":
					all = append(all, found(p.folder+": "+receiver(method), "it holds a secret, and has the method %s", method.Name.Name))
				}
			}
		}
	}
	return all
}

// secretTypes returns the types of a package that are secrets or have one as a
// field.
func secretTypes(p *pack) map[string]bool {
	secret := map[string]bool{}
	if within(p.folder, "transport/key") {
		secret["Secret"], secret["Identity"] = true, true
	}
	for _, s := range p.files {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if fields, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range fields.Fields.List {
					secret[spec.Name.Name] = secret[spec.Name.Name] || isSecret(field.Type)
				}
			}
			return true
		})
	}
	return secret
}

func isSecret(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return isSecret(e.X)
	case *ast.ArrayType:
		return isSecret(e.Elt)
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == "key" && (e.Sel.Name == "Secret" || e.Sel.Name == "Identity")
	}
	return false
}

func checkPaths(m *module) (all []finding) {
	for p, text := range m.texts {
		if at := developerPath.FindString(text); at != "" {
			all = append(all, found(p, "%q is a place on one person's machine", strings.TrimSpace(at)))
		}
	}
	return all
}

func checkPromises(m *module) (all []finding) {
	for _, s := range m.sources {
		if word := promise.FindString(s.text); word != "" {
			all = append(all, found(s.path, "%q: do it, or open an issue", word))
		}
	}
	return all
}

// checkSleeps keeps sleeping out of tests unless time is fake in the tests of
// that package.
func checkSleeps(m *module) (all []finding) {
	for p, s := range m.sources {
		if !s.test || p.bubbles() {
			continue
		}
		s.calls(func(call string) {
			if call == "time.Sleep" {
				all = append(all, found(s.path, "a test that sleeps in real time is slow or flaky"))
			}
		})
	}
	return all
}

// bubbles reports whether tests of p run in fake time.
func (p *pack) bubbles() bool {
	return slices.ContainsFunc(p.files, func(s *source) bool {
		return slices.Contains(s.imports, "testing/synctest")
	})
}

// checkSkips finds tests that can dodge what they are to show.
func checkSkips(m *module) (all []finding) {
	for _, s := range m.sources {
		if !s.test {
			continue
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(f.Sel.Name, "Skip") && len(call.Args) <= 1 {
				if x, ok := f.X.(*ast.Ident); ok && (x.Name == "t" || x.Name == "b" || x.Name == "tb") {
					all = append(all, found(s.path, "a test that skips itself proves nothing"))
				}
			}
			return true
		})
	}
	return all
}
