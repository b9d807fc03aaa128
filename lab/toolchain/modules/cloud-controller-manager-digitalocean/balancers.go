package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/digitalocean/godo"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/api"
	"k8s.io/cloud-provider/service/helpers"
)

const (
	idAnnotation   = "kubernetes.digitalocean.com/load-balancer-id"
	annotationBase = "service.beta.kubernetes.io/do-loadbalancer-"
	typeAnnotation = annotationBase + "type"
	netAnnotation  = annotationBase + "network"
	nameAnnotation = annotationBase + "name"
	// kube-proxy's health, where the Service has no health check of its own.
	kubeProxyHealthPort = 10256
)

// The annotations that the stand-in has; others would be ignored without a word.
var known = map[string]bool{typeAnnotation: true, netAnnotation: true, nameAnnotation: true}

func (c *cloud) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	if given := service.Annotations[nameAnnotation]; given != "" {
		return given
	}
	return cloudprovider.DefaultLoadBalancerName(service)
}

// The load balancer that a Service asks for.
func (c *cloud) request(ctx context.Context, service *v1.Service, nodes []*v1.Node) (*godo.LoadBalancerRequest, error) {
	for annotation := range service.Annotations {
		if strings.HasPrefix(annotation, annotationBase) && !known[annotation] {
			return nil, fmt.Errorf("annotation %s: the stand-in does not have it", annotation)
		}
	}
	kind := service.Annotations[typeAnnotation]
	if kind == "" {
		kind = c.settings.defaultType
	}
	network := service.Annotations[netAnnotation]
	if network == "" {
		network = godo.LoadBalancerNetworkTypeExternal
	}
	stack := godo.LoadBalancerNetworkStackIPv4
	if kind == godo.LoadBalancerTypeRegional && network == godo.LoadBalancerNetworkTypeExternal {
		stack = godo.LoadBalancerNetworkStackDualstack
	}
	var rules []godo.ForwardingRule
	for _, port := range service.Spec.Ports {
		protocol := strings.ToLower(string(port.Protocol))
		target := int(port.NodePort)
		if kind == godo.LoadBalancerTypeRegionalNetwork {
			// Packets reach the machine as clients sent them.
			target = int(port.Port)
		}
		rules = append(rules, godo.ForwardingRule{
			EntryProtocol: protocol, EntryPort: int(port.Port), TargetProtocol: protocol, TargetPort: target,
		})
	}
	path, port := helpers.GetServiceHealthCheckPathPort(service)
	if path == "" {
		path, port = "/healthz", kubeProxyHealthPort
	}
	var droplets []int
	for _, node := range nodes {
		id, err := dropletID(node)
		if err != nil {
			return nil, err
		}
		droplets = append(droplets, id)
	}
	var allow []string
	for _, source := range service.Spec.LoadBalancerSourceRanges {
		allow = append(allow, "cidr:"+strings.TrimSpace(source))
	}
	var tags []string
	if c.settings.clusterID != "" {
		tags = []string{"k8s:" + c.settings.clusterID}
	}
	dns := false
	return &godo.LoadBalancerRequest{
		Name:            c.GetLoadBalancerName(ctx, "", service),
		Region:          c.settings.region,
		VPCUUID:         c.settings.vpc,
		Type:            kind,
		Network:         network,
		NetworkStack:    stack,
		Algorithm:       "round_robin",
		ForwardingRules: rules,
		HealthCheck: &godo.HealthCheck{
			Protocol: "http", Port: int(port), Path: path,
			CheckIntervalSeconds: 3, ResponseTimeoutSeconds: 5, UnhealthyThreshold: 3, HealthyThreshold: 5,
			ProxyProtocol: godo.PtrTo(false),
		},
		StickySessions:               &godo.StickySessions{Type: "none"},
		DropletIDs:                   droplets,
		Tags:                         tags,
		Firewall:                     &godo.LBFirewall{Allow: allow},
		DisableLetsEncryptDNSRecords: &dns,
	}, nil
}

// By the id in the annotation, or else by name; nil: there is none.
func (c *cloud) find(ctx context.Context, service *v1.Service) (*godo.LoadBalancer, error) {
	if id := service.Annotations[idAnnotation]; id != "" {
		found, _, err := c.api.LoadBalancers.Get(ctx, id)
		if notFound(err) {
			return nil, nil
		}
		return found, err
	}
	all, _, err := c.api.LoadBalancers.List(ctx, &godo.ListOptions{PerPage: 200})
	if err != nil {
		return nil, err
	}
	for _, balancer := range all {
		if balancer.Name == c.GetLoadBalancerName(ctx, "", service) {
			return &balancer, nil
		}
	}
	return nil, nil
}

// Notes id and type in the Service.
func (c *cloud) annotate(ctx context.Context, service *v1.Service, balancer *godo.LoadBalancer) error {
	if service.Annotations[idAnnotation] == balancer.ID && service.Annotations[typeAnnotation] == balancer.Type {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{idAnnotation: balancer.ID, typeAnnotation: balancer.Type},
	}})
	if err != nil {
		return err
	}
	_, err = c.kube.CoreV1().Services(service.Namespace).Patch(
		ctx, service.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func status(balancer *godo.LoadBalancer) *v1.LoadBalancerStatus {
	return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: balancer.IP}}}
}

func (c *cloud) GetLoadBalancer(ctx context.Context, _ string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	found, err := c.find(ctx, service)
	if err != nil || found == nil {
		return nil, false, err
	}
	return status(found), true, c.annotate(ctx, service, found)
}

func (c *cloud) EnsureLoadBalancer(ctx context.Context, _ string, service *v1.Service, nodes []*v1.Node) (*v1.LoadBalancerStatus, error) {
	request, err := c.request(ctx, service, nodes)
	if err != nil {
		return nil, err
	}
	balancer, err := c.find(ctx, service)
	if err != nil {
		return nil, err
	}
	if balancer == nil {
		balancer, _, err = c.api.LoadBalancers.Create(ctx, request)
	} else {
		balancer, _, err = c.api.LoadBalancers.Update(ctx, balancer.ID, request)
	}
	if err != nil {
		return nil, err
	}
	if err := c.annotate(ctx, service, balancer); err != nil {
		return nil, err
	}
	switch balancer.Status {
	case "new":
		return nil, api.NewRetryError("load-balancer is currently being created", 15*time.Second)
	case "active":
		return status(balancer), nil
	default:
		return nil, fmt.Errorf("load balancer %s has the status %q", balancer.Name, balancer.Status)
	}
}

func (c *cloud) UpdateLoadBalancer(ctx context.Context, _ string, service *v1.Service, nodes []*v1.Node) error {
	request, err := c.request(ctx, service, nodes)
	if err != nil {
		return err
	}
	balancer, err := c.find(ctx, service)
	if err != nil {
		return err
	}
	if balancer == nil {
		return fmt.Errorf("Service %s/%s has no load balancer", service.Namespace, service.Name)
	}
	_, _, err = c.api.LoadBalancers.Update(ctx, balancer.ID, request)
	return err
}

func (c *cloud) EnsureLoadBalancerDeleted(ctx context.Context, _ string, service *v1.Service) error {
	balancer, err := c.find(ctx, service)
	if err != nil || balancer == nil {
		return err
	}
	_, err = c.api.LoadBalancers.Delete(ctx, balancer.ID)
	if notFound(err) {
		return nil
	}
	return err
}
