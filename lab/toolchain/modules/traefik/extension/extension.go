// Package ext takes the place of a module that Traefik keeps beside its own and that no proxy serves: the places where
// other products add to the configuration. Traefik itself adds nothing.
package ext

// HTTP is what is added to the configuration of HTTP.
type HTTP struct{}

// Router is what is added to the configuration of a router.
type Router struct{}
