package web

// LimitConnections is limitConnections, for tests.
var LimitConnections = limitConnections
