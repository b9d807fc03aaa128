// Package lego would be the client.
package lego

import (
	"crypto/x509"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is the default of Traefik's configuration. Nothing calls it.
const DirectoryURLLetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Config of a client.
type Config struct {
	CADirURL    string
	UserAgent   string
	HTTPClient  *http.Client
	Certificate CertificateConfig
}

// CertificateConfig has a limit of time.
type CertificateConfig struct {
	Timeout time.Duration
}

// Client calls nobody: there is none.
type Client struct {
	Certificate  *certificate.Certifier
	Registration *registration.Registrar
	Challenge    *Solvers
}

// Solvers answer challenges.
type Solvers struct{}

// SetDNS01Provider fails.
func (*Solvers) SetDNS01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNoClient
}

// SetHTTP01Provider fails.
func (*Solvers) SetHTTP01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNoClient
}

// SetTLSALPN01Provider fails.
func (*Solvers) SetTLSALPN01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNoClient
}

// NewConfig returns an empty one.
func NewConfig(registration.User) *Config { return &Config{} }

// NewClient fails.
func NewClient(*Config) (*Client, error) { return nil, challenge.ErrNoClient }

// CreateCertPool fails.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, challenge.ErrNoClient }
