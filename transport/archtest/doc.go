// Package archtest holds the shape of the code as a test: which package may
// import which, where C and WebRTC live, what must be documented, and what must
// not be written at all. It walks the whole module, so it stands at no package's
// side in particular; it has no code but tests, and nobody imports it.
//
// The module is read as text and parsed (module_test.go), not built: so files
// for other systems are checked too, and a rule can be shown a module that does
// not exist. Each rule (rules_test.go, imports_test.go, source_test.go) has a
// control: a small module that breaks it, which it must catch. An exception
// (exceptions_test.go) is named with its reason, and goes when it is no longer
// needed.
package archtest
