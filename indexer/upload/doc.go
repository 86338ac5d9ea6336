// Package upload keeps files that clients send piece by piece and go on with after a lost
// connection, in a blob store: whoever shares that can go on with an upload, and read one
// that is finished. What has arrived is kept in parts, so that a process that dies loses a
// few mebibytes of it at most.
//
// It bounds what uploads may take together and of each owner, and removes what nobody goes
// on with. It knows nothing of HTTP, of what files hold, or of who may do what.
package upload
