// A stand-in for DigitalOcean's cloud controller manager, which is not served as a Go module: Kubernetes' own framework
// with DigitalOcean's part, as v0.1.68 does it for nodes and load balancers. It reads the same environment and refuses
// what it does not have. The source of each fact is https://github.com/digitalocean/digitalocean-cloud-controller-manager.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/digitalocean/godo"
	"golang.org/x/oauth2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/app"
	"k8s.io/cloud-provider/app/config"
	"k8s.io/cloud-provider/options"
	"k8s.io/component-base/cli/flag"
	"k8s.io/component-base/logs"
	"k8s.io/klog/v2"
)

const (
	name             = "digitalocean"
	providerIDPrefix = "digitalocean://"
)

type cloud struct {
	api      *godo.Client
	kube     kubernetes.Interface
	settings settings
}

// What the environment says.
type settings struct {
	region, clusterID, vpc, defaultType, metrics string
}

func readSettings() (settings, error) {
	for _, unsupported := range []string{"PUBLIC_ACCESS_FIREWALL_NAME", "PUBLIC_ACCESS_FIREWALL_TAGS"} {
		if os.Getenv(unsupported) != "" {
			return settings{}, fmt.Errorf("%s: the stand-in manages no firewall", unsupported)
		}
	}
	s := settings{
		region:      os.Getenv("REGION"),
		clusterID:   os.Getenv("DO_CLUSTER_ID"),
		vpc:         os.Getenv("DO_CLUSTER_VPC_ID"),
		defaultType: godo.LoadBalancerTypeRegionalNetwork,
		// Without an address, Go's own default.
		metrics: os.Getenv("METRICS_ADDR"),
	}
	if s.region == "" {
		return s, errors.New("REGION: got nothing; the stand-in does not ask the metadata service")
	}
	if t := os.Getenv("DEFAULT_LB_TYPE"); t == godo.LoadBalancerTypeRegional || t == godo.LoadBalancerTypeRegionalNetwork {
		s.defaultType = t
	}
	return s, nil
}

func newCloud() (*cloud, error) {
	token := os.Getenv("DO_ACCESS_TOKEN")
	if token == "" {
		return nil, errors.New("DO_ACCESS_TOKEN: got nothing; it is required")
	}
	s, err := readSettings()
	if err != nil {
		return nil, err
	}
	var opts []godo.ClientOpt
	if url := os.Getenv("DO_OVERRIDE_URL"); url != "" {
		opts = append(opts, godo.SetBaseURL(url))
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	api, err := godo.New(oauth2.NewClient(context.Background(), source), opts...)
	if err != nil {
		return nil, err
	}
	return &cloud{api: api, settings: s}, nil
}

func (c *cloud) Initialize(builder cloudprovider.ControllerClientBuilder, _ <-chan struct{}) {
	c.kube = builder.ClientOrDie("do-shared-informers")
	go func() {
		klog.Warningf("metrics: %v", http.ListenAndServe(c.settings.metrics, http.NotFoundHandler()))
	}()
}
func (c *cloud) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return c, true }
func (c *cloud) Instances() (cloudprovider.Instances, bool)       { return nil, false }
func (c *cloud) InstancesV2() (cloudprovider.InstancesV2, bool)   { return c, true }
func (c *cloud) Zones() (cloudprovider.Zones, bool)               { return nil, false }
func (c *cloud) Clusters() (cloudprovider.Clusters, bool)         { return nil, false }
func (c *cloud) Routes() (cloudprovider.Routes, bool)             { return nil, false }
func (c *cloud) ProviderName() string                             { return name }
func (c *cloud) HasClusterID() bool                               { return false }

// The number of the node's droplet.
func dropletID(node *v1.Node) (int, error) {
	text, found := strings.CutPrefix(node.Spec.ProviderID, providerIDPrefix)
	if !found {
		return 0, fmt.Errorf("node %s: provider ID %q lacks %s", node.Name, node.Spec.ProviderID, providerIDPrefix)
	}
	return strconv.Atoi(text)
}

func (c *cloud) droplet(ctx context.Context, node *v1.Node) (*godo.Droplet, error) {
	id, err := dropletID(node)
	if err != nil {
		return nil, err
	}
	droplet, _, err := c.api.Droplets.Get(ctx, id)
	return droplet, err
}

func notFound(err error) bool {
	var answer *godo.ErrorResponse
	return errors.As(err, &answer) && answer.Response.StatusCode == http.StatusNotFound
}

func (c *cloud) InstanceExists(ctx context.Context, node *v1.Node) (bool, error) {
	_, err := c.droplet(ctx, node)
	if notFound(err) {
		return false, nil
	}
	return err == nil, err
}

func (c *cloud) InstanceShutdown(ctx context.Context, node *v1.Node) (bool, error) {
	droplet, err := c.droplet(ctx, node)
	if err != nil {
		return false, err
	}
	return droplet.Status == "off", nil
}

func (c *cloud) InstanceMetadata(ctx context.Context, node *v1.Node) (*cloudprovider.InstanceMetadata, error) {
	droplet, err := c.droplet(ctx, node)
	if err != nil {
		return nil, err
	}
	private, err := droplet.PrivateIPv4()
	if err != nil || private == "" {
		return nil, fmt.Errorf("droplet %d has no private address", droplet.ID)
	}
	addresses := []v1.NodeAddress{
		{Type: v1.NodeHostName, Address: droplet.Name},
		{Type: v1.NodeInternalIP, Address: private},
	}
	if public, err := droplet.PublicIPv4(); err == nil && public != "" {
		addresses = append(addresses, v1.NodeAddress{Type: v1.NodeExternalIP, Address: public})
	}
	return &cloudprovider.InstanceMetadata{
		ProviderID:    fmt.Sprintf("%s%d", providerIDPrefix, droplet.ID),
		InstanceType:  droplet.SizeSlug,
		Region:        droplet.Region.Slug,
		NodeAddresses: addresses,
	}, nil
}

func main() {
	cloudprovider.RegisterCloudProvider(name, func(io.Reader) (cloudprovider.Interface, error) { return newCloud() })
	opts, err := options.NewCloudControllerManagerOptions()
	if err != nil {
		klog.Fatal(err)
	}
	opts.KubeCloudShared.CloudProvider.Name = name
	opts.Authentication.SkipInClusterLookup = true
	initialize := func(*config.CompletedConfig) cloudprovider.Interface {
		made, err := cloudprovider.InitCloudProvider(name, "")
		if err != nil {
			klog.Fatal(err)
		}
		return made
	}
	command := app.NewCloudControllerManagerCommand(
		opts, initialize, app.DefaultInitFuncConstructors, map[string]string{}, flag.NamedFlagSets{}, wait.NeverStop,
	)
	logs.InitLogs()
	defer logs.FlushLogs()
	if err := command.Execute(); err != nil {
		klog.Fatal(err)
	}
}
