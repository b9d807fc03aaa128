// Package tlsalpn01 is about challenges by TLS.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// ACMETLS1Protocol is what authorities ask for: RFC 8737, section 3.
const ACMETLS1Protocol = "acme-tls/1"

// SetDelay returns nothing.
func SetDelay(time.Duration) challenge.Option { return challenge.Option{} }

// ChallengeBlocks would return a certificate and its key.
func ChallengeBlocks(string, string) ([]byte, []byte, error) { return nil, nil, challenge.ErrNoClient }
