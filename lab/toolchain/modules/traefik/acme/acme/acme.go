// Package acme has what is known of an account at an authority.
package acme

// Account at an authority.
type Account struct{}

// ExtendedAccount also says where it is.
type ExtendedAccount struct {
	Account
	Location string
}
