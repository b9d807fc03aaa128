// push-images makes images of tar files and pushes them to a registry.
//
// Standard input: a JSON list of descriptions. Standard output: a JSON object from each image's name to the digest of
// its manifest. The same input gives the same digests: nothing in an image depends on time or machine.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

type description struct {
	// Name in the registry, with host and tag.
	Name string `json:"name"`
	// Uncompressed tar files, lowest layer first.
	Layers     []string          `json:"layers"`
	Entrypoint []string          `json:"entrypoint"`
	Command    []string          `json:"command"`
	Path       string            `json:"path"`
	Directory  string            `json:"directory"`
	User       string            `json:"user"`
	Ports      []string          `json:"ports"`
	StopSignal string            `json:"stopSignal"`
	Labels     map[string]string `json:"labels"`
}

func main() {
	if err := pushAll(); err != nil {
		fmt.Fprintln(os.Stderr, "push-images:", err)
		os.Exit(1)
	}
}

func pushAll() error {
	var descriptions []description
	if err := json.NewDecoder(os.Stdin).Decode(&descriptions); err != nil {
		return fmt.Errorf("cannot read the list of images from standard input: %w", err)
	}
	digests := map[string]string{}
	// A layer that several images share is compressed once.
	layers := map[string]v1.Layer{}
	for _, wanted := range descriptions {
		digest, err := push(wanted, layers)
		if err != nil {
			return fmt.Errorf("%s: %w", wanted.Name, err)
		}
		digests[wanted.Name] = digest
		fmt.Fprintln(os.Stderr, "pushed", wanted.Name, digest)
	}
	return json.NewEncoder(os.Stdout).Encode(digests)
}

func push(wanted description, layers map[string]v1.Layer) (string, error) {
	reference, err := name.ParseReference(wanted.Name, name.Insecure)
	if err != nil {
		return "", err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, file := range wanted.Layers {
		layer, known := layers[file]
		if !known {
			// Machines unpack zstd several times faster than gzip.
			layer, err = tarball.LayerFromFile(file, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
			if err != nil {
				return "", fmt.Errorf("layer %s: %w", file, err)
			}
			layers[file] = layer
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return "", fmt.Errorf("layer %s: %w", file, err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	config = config.DeepCopy()
	config.Architecture, config.OS, config.Created = "amd64", "linux", v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config = v1.Config{
		Entrypoint: wanted.Entrypoint,
		Cmd:        wanted.Command,
		Env:        []string{"PATH=" + wanted.Path},
		WorkingDir: wanted.Directory,
		User:       wanted.User,
		StopSignal: wanted.StopSignal,
		Labels:     wanted.Labels,
	}
	for _, port := range wanted.Ports {
		if config.Config.ExposedPorts == nil {
			config.Config.ExposedPorts = map[string]struct{}{}
		}
		config.Config.ExposedPorts[port] = struct{}{}
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	return digest.String(), remote.Write(reference, image)
}
