// Package dns01 is about challenges by DNS.
package dns01

import (
	"strings"
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// Options of a client for name servers.
type Options struct {
	RecursiveNameservers []string
}

// Client asks name servers.
type Client struct{}

// NewClient returns one that does nothing.
func NewClient(*Options) *Client { return &Client{} }

// SetDefaultClient does nothing.
func SetDefaultClient(*Client) {}

// CondOptions returns nothing.
func CondOptions(bool, ...challenge.Option) challenge.Option { return challenge.Option{} }

// DisableAuthoritativeNssPropagationRequirement returns nothing.
func DisableAuthoritativeNssPropagationRequirement() challenge.Option { return challenge.Option{} }

// DisableRecursiveNSsPropagationRequirement returns nothing.
func DisableRecursiveNSsPropagationRequirement() challenge.Option { return challenge.Option{} }

// PropagationWait returns nothing.
func PropagationWait(time.Duration, bool) challenge.Option { return challenge.Option{} }

// UnFqdn returns a name without the dot at its end. Traefik compares names of certificates without it.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }
