// Package judge shows pictures with texts to models and says how well the models
// find them.
//
// Read puts together what a source of pairs says of each picture, ReadCollection
// what the catalogue has of a collection. A Viewer reads
// the pictures and gets vectors from models. Material.Evaluate then measures one
// model, language by language; Compare sets two models against each other on the
// same pictures, before searches change from one to the other; and Fidelity sets
// a model in fewer bits against itself in fp32.
//
// It opens no models and speaks no SQL: models and the catalogue are what its
// interfaces say, and the metrics themselves are trainer/evaluate and encoder/gate.
package judge
