// Package challenge and its neighbours take the place of the client for certificate authorities (ACME) that Traefik has:
// its providers of DNS need modules of a hundred companies, of which proxies do not serve all. Certificates of Ingresses come
// from Secrets, so that it is never called; a configuration that asks for it gets ErrNoClient.
package challenge

import (
	"context"
	"errors"
)

// ErrNoClient is the answer of everything here that would call an authority.
var ErrNoClient = errors.New("this build of Traefik has no client for certificate authorities")

// Provider answers challenges.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}

// Option changes how a challenge is answered.
type Option struct{}
