// Command godo drives the lab's API through DigitalOcean's own Go client, as the official provider does, and reads every
// answer a second time with unknown and missing fields forbidden. It prints a summary as JSON, or what is wrong.
//
//	godo <API URL> <token>
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/digitalocean/godo"
	"golang.org/x/oauth2"
)

type suite struct {
	*checker
	ctx    context.Context
	client *godo.Client
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: godo <API URL> <token>")
		os.Exit(2)
	}
	wire := &recorder{base: http.DefaultTransport, calls: map[string]int{}}
	s := &suite{checker: &checker{wire: wire}, ctx: context.Background()}
	s.client = client(wire, os.Args[1], os.Args[2])
	stranger := client(wire, os.Args[1], "wrong")

	steps := []struct {
		name string
		run  func()
	}{
		{"unauthorized", func() {
			_, _, err := stranger.Account.Get(s.ctx)
			s.refused(err, http.StatusUnauthorized, "Unable to authenticate you")
		}},
		{"account", s.account},
		{"catalogue", s.catalogue},
		{"paging", s.paging},
		{"keys", s.keys},
		{"images", s.images},
		{"vpcs", s.vpcs},
		{"tags", s.tags},
		{"droplets", s.droplets},
		{"droplet actions", s.dropletActions},
		{"volumes", s.volumes},
		{"firewalls", s.firewalls},
		{"load balancers", s.loadBalancers},
	}
	defer func() {
		if problem := recover(); problem != nil {
			if known, is := problem.(failure); is {
				fmt.Fprintln(os.Stderr, known.text)
				os.Exit(1)
			}
			panic(problem)
		}
	}()
	done := []string{}
	for _, step := range steps {
		s.step = step.name
		step.run()
		done = append(done, step.name)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"steps": done, "calls": wire.calls})
}

func client(wire *recorder, address, token string) *godo.Client {
	transport := &oauth2.Transport{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}), Base: wire}
	made, err := godo.New(&http.Client{Transport: transport}, godo.SetBaseURL(address))
	if err != nil {
		panic(err)
	}
	return made
}
