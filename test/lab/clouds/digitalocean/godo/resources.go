package main

import (
	"net/http"
	"time"

	"github.com/digitalocean/godo"
)

func (s *suite) volumes() {
	machine := s.made(s.request("with-volume"))
	volume, _, err := s.client.Storage.CreateVolume(s.ctx, &godo.VolumeCreateRequest{
		Region: region, Name: "data", SizeGigaBytes: 10, Tags: []string{"disk"},
	})
	s.ok(err)
	root[godo.Volume](s.checker, "volume")
	_, _, err = s.client.Storage.CreateVolume(s.ctx, &godo.VolumeCreateRequest{Region: region, Name: "data", SizeGigaBytes: 10})
	s.refused(err, http.StatusConflict, "already exists")

	did := func(action *godo.Action, _ *godo.Response, err error) {
		s.ok(err)
		root[godo.Action](s.checker, "action")
		s.completed(action.ID)
	}
	did(s.client.StorageActions.Attach(s.ctx, volume.ID, machine.ID))
	found, _, err := s.client.Storage.GetVolume(s.ctx, volume.ID)
	s.ok(err)
	s.equal("droplets", found.DropletIDs, []int{machine.ID})
	holder, _, err := s.client.Droplets.Get(s.ctx, machine.ID)
	s.ok(err)
	s.equal("volumes", holder.VolumeIDs, []string{volume.ID})
	_, err = s.client.Storage.DeleteVolume(s.ctx, volume.ID)
	s.refused(err, http.StatusConflict, "attached volume cannot be deleted")
	did(s.client.StorageActions.Resize(s.ctx, volume.ID, 20, region))
	did(s.client.StorageActions.DetachByDropletID(s.ctx, volume.ID, machine.ID))
	_, _, err = s.client.StorageActions.DetachByDropletID(s.ctx, volume.ID, machine.ID)
	s.refused(err, http.StatusUnprocessableEntity, "Attachment not found")
	// A volume outlives its droplet.
	did(s.client.StorageActions.Attach(s.ctx, volume.ID, machine.ID))
	s.gone(machine.ID)
	volumes, _, err := s.client.Storage.ListVolumes(s.ctx, nil)
	s.ok(err)
	list[godo.Volume](s.checker, "volumes")
	s.equal("volumes", len(volumes), 1)
	s.equal("droplets", volumes[0].DropletIDs, []int{})
	s.equal("size", volumes[0].SizeGigaBytes, int64(20))
	_, err = s.client.Storage.DeleteVolume(s.ctx, volume.ID)
	s.ok(err)
}

func (s *suite) vpcs() {
	network, _, err := s.client.VPCs.Create(s.ctx, &godo.VPCCreateRequest{Name: "net", RegionSlug: region, IPRange: "10.50.0.0/16", Description: "one"})
	s.ok(err)
	root[godo.VPC](s.checker, "vpc")
	s.equal("default", network.Default, false)
	s.equal("time", network.CreatedAt.After(time.Unix(0, 0)), true)
	_, _, err = s.client.VPCs.Create(s.ctx, &godo.VPCCreateRequest{Name: "other", RegionSlug: region, IPRange: "10.50.16.0/20"})
	s.refused(err, http.StatusUnprocessableEntity, "overlaps with another VPC network")

	request := s.request("member")
	request.VPCUUID = network.ID
	member := s.made(request)
	s.equal("vpc", member.VPCUUID, network.ID)
	private, _ := member.PrivateIPv4()
	s.equal("private address", private, "10.50.0.10")
	_, err = s.client.VPCs.Delete(s.ctx, network.ID)
	s.refused(err, http.StatusForbidden, "members")
	s.gone(member.ID)

	_, _, err = s.client.VPCs.Update(s.ctx, network.ID, &godo.VPCUpdateRequest{Name: "renamed", Description: "two"})
	s.ok(err)
	found, _, err := s.client.VPCs.Get(s.ctx, network.ID)
	s.ok(err)
	s.equal("vpc", []string{found.Name, found.Description}, []string{"renamed", "two"})
	_, _, err = s.client.VPCs.List(s.ctx, &godo.ListOptions{PerPage: 200})
	s.ok(err)
	for _, one := range list[godo.VPC](s.checker, "vpcs") {
		if one.Default && one.RegionSlug == region {
			_, err = s.client.VPCs.Delete(s.ctx, one.ID)
			s.refused(err, http.StatusForbidden, "default")
		}
	}
	_, err = s.client.VPCs.Delete(s.ctx, network.ID)
	s.ok(err)
}

func (s *suite) firewalls() {
	machine := s.made(s.request("guarded"))
	inbound := []godo.InboundRule{{Protocol: "tcp", PortRange: "22", Sources: &godo.Sources{Addresses: []string{"192.0.2.1/32"}, Tags: []string{"machine"}}}}
	outbound := []godo.OutboundRule{{Protocol: "tcp", PortRange: "0", Destinations: &godo.Destinations{Addresses: []string{"0.0.0.0/0", "::/0"}}}}
	request := &godo.FirewallRequest{Name: "guard", InboundRules: inbound, OutboundRules: outbound, Tags: []string{"machine"}}
	firewall, _, err := s.client.Firewalls.Create(s.ctx, request)
	s.ok(err)
	root[godo.Firewall](s.checker, "firewall")
	s.equal("inbound", firewall.InboundRules, inbound)
	s.eventually("the firewall is in force", func() bool {
		found, _, err := s.client.Firewalls.Get(s.ctx, firewall.ID)
		s.ok(err)
		return found.Status == "succeeded" && len(found.PendingChanges) == 0
	})
	_, _, err = s.client.Firewalls.Create(s.ctx, request)
	s.refused(err, http.StatusConflict, "duplicate name")

	request.InboundRules = append(inbound, godo.InboundRule{Protocol: "icmp", Sources: &godo.Sources{DropletIDs: []int{machine.ID}}})
	request.Name = "renamed"
	_, _, err = s.client.Firewalls.Update(s.ctx, firewall.ID, request)
	s.ok(err)
	s.equal("icmp ports", root[godo.Firewall](s.checker, "firewall").InboundRules[1].PortRange, "0")
	_, _, err = s.client.Firewalls.List(s.ctx, nil)
	s.ok(err)
	s.equal("name", list[godo.Firewall](s.checker, "firewalls")[0].Name, "renamed")
	_, err = s.client.Firewalls.Delete(s.ctx, firewall.ID)
	s.ok(err)
	s.gone(machine.ID)
}

func (s *suite) loadBalancers() {
	machine := s.made(s.request("target"))
	rule := godo.ForwardingRule{EntryProtocol: "tcp", EntryPort: 6443, TargetProtocol: "tcp", TargetPort: 6443}
	balancer, _, err := s.client.LoadBalancers.Create(s.ctx, &godo.LoadBalancerRequest{
		Name: "api", Region: region, VPCUUID: machine.VPCUUID, Tag: "machine", ForwardingRules: []godo.ForwardingRule{rule},
		HealthCheck: &godo.HealthCheck{Protocol: "tcp", Port: 6443, CheckIntervalSeconds: 3, ResponseTimeoutSeconds: 3, HealthyThreshold: 2, UnhealthyThreshold: 2},
		Firewall:    &godo.LBFirewall{Allow: []string{godo.CIDRSourceFirewall("192.0.2.0/24")}},
	})
	s.ok(err)
	// These are for global load balancers, and for requests.
	absent := []string{"domains", "glb_settings", "target_load_balancer_ids", "tags", "validate_only"}
	root[godo.LoadBalancer](s.checker, "load_balancer", absent...)
	s.equal("status", balancer.Status, "new")
	s.eventually("the load balancer is active", func() bool {
		balancer, _, err = s.client.LoadBalancers.Get(s.ctx, balancer.ID)
		s.ok(err)
		return balancer.Status == "active" && balancer.IP != ""
	})
	s.equal("targets", balancer.DropletIDs, []int{machine.ID})
	change := balancer.AsRequest()
	change.Tag, change.DropletIDs = "", []int{machine.ID}
	second := godo.ForwardingRule{EntryProtocol: "tcp", EntryPort: 80, TargetProtocol: "tcp", TargetPort: 8080}
	change.ForwardingRules = []godo.ForwardingRule{second}
	_, _, err = s.client.LoadBalancers.Update(s.ctx, balancer.ID, change)
	s.ok(err)
	s.equal("tag", root[godo.LoadBalancer](s.checker, "load_balancer", absent...).Tag, "")
	all, _, err := s.client.LoadBalancers.List(s.ctx, nil)
	s.ok(err)
	list[godo.LoadBalancer](s.checker, "load_balancers", absent...)
	s.equal("rules", all[0].ForwardingRules, []godo.ForwardingRule{second})
	_, err = s.client.LoadBalancers.Delete(s.ctx, balancer.ID)
	s.ok(err)
	_, _, err = s.client.LoadBalancers.Get(s.ctx, balancer.ID)
	s.refused(err, http.StatusNotFound, "could not be found")
	s.gone(machine.ID)
}
