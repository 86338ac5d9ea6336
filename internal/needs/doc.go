// Package needs is for what tests need and the repository does not hold: the
// ONNX Runtime library, the Milvus server, a browser and the like. Environment
// variables name them; "polylens setup --for test --print-env" prints those.
//
// What is missing never lets a package pass. Under “make test” the test that
// asks for it fails. Otherwise the tests that ask for it are left out, the rest
// run, and the package fails with one line that says what is missing and how to
// get it. For that line a package whose tests ask calls Main in its TestMain.
//
// Only tests use it. It fetches nothing and starts nothing.
package needs
