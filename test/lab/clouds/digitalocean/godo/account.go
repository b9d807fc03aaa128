package main

import (
	"net/http"

	"github.com/digitalocean/godo"
)

const (
	region = "fra1"
	size   = "s-1vcpu-1gb"
	image  = "debian-12-x64"
)

func (s *suite) account() {
	account, response, err := s.client.Account.Get(s.ctx)
	s.ok(err)
	root[godo.Account](s.checker, "account")
	s.equal("status", account.Status, "active")
	s.equal("limit", response.Rate.Limit > 0, true)
	s.equal("reset", response.Rate.Reset.Unix() > 0, true)
}

func (s *suite) catalogue() {
	everything := &godo.ListOptions{PerPage: 200}
	regions, _, err := s.client.Regions.List(s.ctx, everything)
	s.ok(err)
	list[godo.Region](s.checker, "regions")
	s.equal("regions", len(regions) > 5, true)

	sizes, _, err := s.client.Sizes.List(s.ctx, everything)
	s.ok(err)
	list[godo.Size](s.checker, "sizes", "gpu_info")
	for _, one := range sizes {
		if one.Slug == size {
			s.equal("memory", one.Memory, 1024)
			s.equal("disk", one.Disk, 25)
			s.equal("price", one.PriceMonthly, 6.0)
			return
		}
	}
	s.failf("size %s is not listed", size)
}

// paging walks a list the way the official provider does: until the client says that this is the last page.
func (s *suite) paging() {
	seen := map[string]bool{}
	options := &godo.ListOptions{PerPage: 7}
	for pages := 1; ; pages++ {
		sizes, response, err := s.client.Sizes.List(s.ctx, options)
		s.ok(err)
		for _, one := range sizes {
			seen[one.Slug] = true
		}
		if response.Links.IsLastPage() {
			s.equal("total", response.Meta.Total, len(seen))
			s.equal("pages", pages, (len(seen)+6)/7)
			return
		}
		page, err := response.Links.CurrentPage()
		s.ok(err)
		s.equal("page", page, pages)
		options.Page = page + 1
	}
}

func (s *suite) keys() {
	const public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f test@example.com"
	const fingerprint = "0f:a2:0a:d7:38:3e:65:45:08:6b:63:84:1c:ff:dc:ba"
	key, _, err := s.client.Keys.Create(s.ctx, &godo.KeyCreateRequest{Name: "key", PublicKey: public})
	s.ok(err)
	root[godo.Key](s.checker, "ssh_key")
	s.equal("fingerprint", key.Fingerprint, fingerprint)
	_, _, err = s.client.Keys.Create(s.ctx, &godo.KeyCreateRequest{Name: "again", PublicKey: public})
	s.refused(err, http.StatusUnprocessableEntity, "SSH Key is already in use on your account")
	_, _, err = s.client.Keys.Create(s.ctx, &godo.KeyCreateRequest{Name: "bad", PublicKey: "ssh-rsa nonsense"})
	s.refused(err, http.StatusUnprocessableEntity, "Key invalid")

	_, _, err = s.client.Keys.List(s.ctx, nil)
	s.ok(err)
	s.equal("keys", len(list[godo.Key](s.checker, "ssh_keys")), 1)
	_, _, err = s.client.Keys.UpdateByFingerprint(s.ctx, fingerprint, &godo.KeyUpdateRequest{Name: "renamed"})
	s.ok(err)
	found, _, err := s.client.Keys.GetByID(s.ctx, key.ID)
	s.ok(err)
	s.equal("name", found.Name, "renamed")
	_, _, err = s.client.Keys.GetByFingerprint(s.ctx, fingerprint)
	s.ok(err)
	_, err = s.client.Keys.DeleteByID(s.ctx, key.ID)
	s.ok(err)
	_, _, err = s.client.Keys.GetByID(s.ctx, key.ID)
	s.refused(err, http.StatusNotFound, "could not be found")
}

func (s *suite) images() {
	_, _, err := s.client.Images.ListDistribution(s.ctx, &godo.ListOptions{PerPage: 200})
	s.ok(err)
	list[godo.Image](s.checker, "images")
	_, _, err = s.client.Images.GetBySlug(s.ctx, image)
	s.ok(err)
	s.equal("distribution", root[godo.Image](s.checker, "image").Distribution, "Debian")

	custom, _, err := s.client.Images.Create(s.ctx, &godo.CustomImageCreateRequest{
		Name: "flatcar", Url: "https://example.com/flatcar.img.bz2", Region: region, Distribution: "CoreOS",
	})
	s.ok(err)
	s.equal("status", root[godo.Image](s.checker, "image").Status, "NEW")
	s.eventually("the image is available", func() bool {
		found, _, err := s.client.Images.GetByID(s.ctx, custom.ID)
		s.ok(err)
		return found.Status == "available"
	})
	_, _, err = s.client.Images.Update(s.ctx, custom.ID, &godo.ImageUpdateRequest{Name: "renamed"})
	s.ok(err)
	own, _, err := s.client.Images.ListUser(s.ctx, nil)
	s.ok(err)
	s.equal("own images", len(own), 1)
	s.equal("name", own[0].Name, "renamed")

	_, err = s.client.Images.Delete(s.ctx, custom.ID)
	s.ok(err)
	_, _, err = s.client.Images.GetByID(s.ctx, custom.ID)
	s.refused(err, http.StatusNotFound, "could not be found")
}
