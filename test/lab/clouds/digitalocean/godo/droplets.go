package main

import (
	"net/http"

	"github.com/digitalocean/godo"
)

// droplet adds what the public description has and godo's type leaves out.
type droplet struct {
	godo.Droplet
	DiskInfo []godo.DiskInfo `json:"disk_info"`
}

func (s *suite) request(name string) *godo.DropletCreateRequest {
	return &godo.DropletCreateRequest{
		Name: name, Region: region, Size: size, Image: godo.DropletCreateImage{Slug: image}, Tags: []string{"machine"}, Monitoring: true,
	}
}

// made creates a droplet and waits until it is active.
func (s *suite) made(request *godo.DropletCreateRequest) *godo.Droplet {
	created, response, err := s.client.Droplets.Create(s.ctx, request)
	s.ok(err)
	root[droplet](s.checker, "droplet")
	s.equal("status", created.Status, "new")
	s.equal("rel", response.Links.Actions[0].Rel, "create")
	s.completed(response.Links.Actions[0].ID)
	found, _, err := s.client.Droplets.Get(s.ctx, created.ID)
	s.ok(err)
	root[droplet](s.checker, "droplet")
	s.equal("status", found.Status, "active")
	return found
}

func (s *suite) completed(id int) {
	s.eventually("the action is completed", func() bool {
		action, _, err := s.client.Actions.Get(s.ctx, id)
		s.ok(err)
		root[godo.Action](s.checker, "action")
		if action.Status == "errored" {
			s.failf("action %s errored", action.Type)
		}
		return action.Status == "completed" && action.CompletedAt != nil
	})
}

func (s *suite) gone(id int) {
	_, err := s.client.Droplets.Delete(s.ctx, id)
	s.ok(err)
	s.eventually("the droplet is gone", func() bool {
		_, response, err := s.client.Droplets.Get(s.ctx, id)
		return err != nil && response.StatusCode == http.StatusNotFound
	})
}

func (s *suite) tags() {
	_, _, err := s.client.Tags.Create(s.ctx, &godo.TagCreateRequest{Name: "env:test"})
	s.ok(err)
	root[godo.Tag](s.checker, "tag")
	volume, _, err := s.client.Storage.CreateVolume(s.ctx, &godo.VolumeCreateRequest{Region: region, Name: "tagged", SizeGigaBytes: 1})
	s.ok(err)
	resources := []godo.Resource{{ID: volume.ID, Type: godo.VolumeResourceType}}
	_, err = s.client.Tags.TagResources(s.ctx, "env:test", &godo.TagResourcesRequest{Resources: resources})
	s.ok(err)
	tag, _, err := s.client.Tags.Get(s.ctx, "env:test")
	s.ok(err)
	root[godo.Tag](s.checker, "tag")
	s.equal("count", tag.Resources.Volumes.Count, 1)
	_, err = s.client.Tags.UntagResources(s.ctx, "env:test", &godo.UntagResourcesRequest{Resources: resources})
	s.ok(err)
	_, _, err = s.client.Tags.List(s.ctx, nil)
	s.ok(err)
	list[godo.Tag](s.checker, "tags")
	_, err = s.client.Tags.Delete(s.ctx, "env:test")
	s.ok(err)
	_, _, err = s.client.Tags.Get(s.ctx, "env:test")
	s.refused(err, http.StatusNotFound, "could not be found")
	_, err = s.client.Storage.DeleteVolume(s.ctx, volume.ID)
	s.ok(err)
}

func (s *suite) droplets() {
	one := s.made(s.request("one"))
	public, err := one.PublicIPv4()
	s.ok(err)
	private, err := one.PrivateIPv4()
	s.ok(err)
	s.equal("addresses", public != "" && private != "" && public != private, true)
	s.equal("features", one.Features, []string{"monitoring", "private_networking"})

	two := s.made(s.request("two"))
	_, _, err = s.client.Droplets.List(s.ctx, nil)
	s.ok(err)
	s.equal("all", len(list[droplet](s.checker, "droplets")), 2)
	s.gone(one.ID)
	s.gone(two.ID)

	bad := s.request("bad_name")
	_, _, err = s.client.Droplets.Create(s.ctx, bad)
	s.refused(err, http.StatusUnprocessableEntity, "Only valid hostname characters are allowed")
}

func (s *suite) dropletActions() {
	one := s.made(s.request("acting"))
	did := func(action *godo.Action, _ *godo.Response, err error) {
		s.ok(err)
		root[godo.Action](s.checker, "action")
		s.completed(action.ID)
	}
	actions := s.client.DropletActions
	did(actions.PowerOff(s.ctx, one.ID))
	_, _, err := actions.PowerOff(s.ctx, one.ID)
	s.refused(err, http.StatusUnprocessableEntity, "Droplet is already powered off")
	did(actions.PowerOn(s.ctx, one.ID))
	did(actions.Shutdown(s.ctx, one.ID))
	did(actions.PowerOn(s.ctx, one.ID))

	found, _, err := s.client.Droplets.Get(s.ctx, one.ID)
	s.ok(err)
	s.equal("status", found.Status, "active")

	_, _, err = s.client.Actions.List(s.ctx, nil)
	s.ok(err)
	list[godo.Action](s.checker, "actions")
	s.gone(one.ID)
}
