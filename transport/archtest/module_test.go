package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// moduleName begins the import path of every package of the module.
const moduleName = "undertone"

// module is the source of a module. Paths are relative to its root and have
// slashes, on every system.
type module struct {
	fset *token.FileSet
	// packages by folder.
	packages map[string]*pack
	// texts are all text files, Go source included, by path.
	texts map[string]string
	// folders are the folders at the top.
	folders []string
}

// pack is a folder with Go files in it.
type pack struct {
	folder string
	files  []*source
}

// source is a Go file.
type source struct {
	path    string
	test    bool
	text    string
	tree    *ast.File
	imports []string
}

// load reads the module in root. It leaves out what git ignores or hides, and
// what go ignores.
func load(t *testing.T, root fs.FS) *module {
	t.Helper()
	m := &module{fset: token.NewFileSet(), packages: map[string]*pack{}, texts: map[string]string{}}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return m.addFolder(p)
		case isText(p):
			return m.addText(root, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *module) addFolder(p string) error {
	switch base := path.Base(p); {
	case p == ".", base == ".ci":
		return nil
	case p == "bin", base == "testdata", strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"):
		return fs.SkipDir
	}
	if !strings.Contains(p, "/") {
		m.folders = append(m.folders, p)
	}
	return nil
}

// isText tells the files that people write by their names.
func isText(p string) bool {
	switch path.Ext(p) {
	case ".go", ".md", ".mod", ".toml", ".yml", ".service", ".desktop", ".sh", ".txt", ".h", ".c", ".cc":
		return true
	}
	return path.Base(p) == "Makefile" || strings.HasPrefix(p, ".ci/") || p == ".gitignore"
}

func (m *module) addText(root fs.FS, p string) error {
	b, err := fs.ReadFile(root, p)
	if err != nil {
		return err
	}
	m.texts[p] = string(b)
	if path.Ext(p) != ".go" {
		return nil
	}
	tree, err := parser.ParseFile(m.fset, p, b, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s := &source{path: p, test: strings.HasSuffix(p, "_test.go"), text: string(b), tree: tree}
	for _, i := range tree.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		s.imports = append(s.imports, name)
	}
	folder := path.Dir(p)
	if m.packages[folder] == nil {
		m.packages[folder] = &pack{folder: folder}
	}
	m.packages[folder].files = append(m.packages[folder].files, s)
	return nil
}

// sources yields every Go file.
func (m *module) sources(yield func(*pack, *source) bool) {
	for _, p := range m.packages {
		for _, s := range p.files {
			if !yield(p, s) {
				return
			}
		}
	}
}

// reaches returns the chain of packages of the module by which folder comes to
// a package for which bad holds, or nil. Test files do not count.
func (m *module) reaches(folder string, bad func(folder string) bool) []string {
	seen := map[string]bool{folder: true}
	var walk func(chain []string) []string
	walk = func(chain []string) []string {
		p := m.packages[chain[len(chain)-1]]
		if p == nil {
			return nil
		}
		for _, next := range p.own() {
			if bad(next) {
				return append(chain, next)
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if found := walk(append(slices.Clone(chain), next)); found != nil {
				return found
			}
		}
		return nil
	}
	return walk([]string{folder})
}

// own returns the folders of the module's packages that p imports, without its
// tests.
func (p *pack) own() []string {
	var own []string
	for _, s := range p.files {
		if s.test {
			continue
		}
		for _, i := range s.imports {
			if folder, ok := ownFolder(i); ok {
				own = append(own, folder)
			}
		}
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// ownFolder returns the folder of an import, if it is of this module.
func ownFolder(imported string) (string, bool) {
	return strings.CutPrefix(imported, moduleName+"/")
}

// main reports whether p is a program.
func (p *pack) main() bool { return p.files[0].tree.Name.Name == "main" }

// within reports whether folder is one of the others or lies in one of them.
func within(folder string, others ...string) bool {
	return slices.ContainsFunc(others, func(o string) bool {
		return folder == o || strings.HasPrefix(folder, o+"/")
	})
}

// moduleRoot finds the folder with go.mod above the test.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module "+moduleName+"\n") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("no go.mod of module %s above the test", moduleName)
		}
		dir = filepath.Dir(dir)
	}
}

// invented returns a module made of the given files.
func invented(t *testing.T, files map[string]string) *module {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return load(t, root)
}
