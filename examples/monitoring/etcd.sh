#!/bin/sh
# Lets the Prometheus of this example read etcd's metrics: copies the client certificate for them into its namespace, and writes down where
# the members are. Run it in the folder of the stack, as an administrator: once, and again after a run of pulumi that renewed certificates
# or changed members. Needs kubectl, pulumi and jq.
set -eu
kubectl get secret etcd-metrics -n kube-system -o json |
  jq '{ apiVersion, kind, type, data, metadata: { name: "etcd-metrics", namespace: "monitoring" } }' |
  kubectl apply --server-side --force-conflicts -f -
pulumi stack output --json |
  jq '{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "etcd-members", namespace: "monitoring" }, data: {
    "members.json": [.machines[] | select(.role == "etcd") | { targets: ["\(.private_ipv4):2381"], labels: { instance: .name } }] | tojson
  } }' |
  kubectl apply --server-side --force-conflicts -f -
