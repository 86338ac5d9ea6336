// Package judge shows pictures with texts to models and says how well the models
// find them.
//
// Read puts together what a source of pairs says about each picture, ReadCollection
// what the catalogue has about a collection. A Viewer reads the pictures and gets
// vectors from models. Material.Evaluate then measures one model, language by
// language; Compare compares two models on the same pictures, before searches
// change from one to the other; and Fidelity compares a model in fewer bits with
// itself in fp32.
//
// It opens no models and speaks no SQL: it reaches models and the catalogue through
// interfaces, and the metrics themselves are in trainer/evaluate and encoder/gate.
package judge
