// Package http01 is about challenges by HTTP.
package http01

import (
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// PathPrefix is where authorities look for answers: RFC 8555, section 8.3.
const PathPrefix = "/.well-known/acme-challenge/"

// SetDelay returns nothing.
func SetDelay(time.Duration) challenge.Option { return challenge.Option{} }
