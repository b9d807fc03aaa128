/**
 * Traefik: serves Ingresses, on ports 80 and 443 of public workers or behind a load balancer. Rights and ports as in upstream's chart
 * (https://github.com/traefik/traefik-helm-chart), without its own kinds, dashboard and API.
 */
import { stringify } from "yaml";
import type { ClusterSpec } from "../spec/cluster.js";
import { type Addon, type AddonParts, type Container, image, publicWorkers, workers } from "./addon.js";
import type { AddonSettings } from "./choice.js";
import { cloudControllerManager } from "./cloud/cloudControllerManager.js";

const name = "traefik";
const namespace = "ingress";
/** Ingresses that name no class get it. */
const className = "traefik";
/** As upstream's chart. */
const user = 65_532;
const directory = "/etc/traefik";
const certificateDirectory = "/etc/traefik-certificate";
const certificateFile = "default-certificate.yaml";
const staticFile = "traefik.yaml";
const pingPort = 8080;

/** What clients connect to, and the port in the pod, which needs no privilege. */
const entryPoints = { web: { outside: 80, port: 8000 }, websecure: { outside: 443, port: 8443 } } as const;

/** Seconds in which requests that have begun may end. */
const grace = 20;

/** Seconds in which a load balancer finds out that a pod ends, before it takes no more connections: the slowest asks three times in 10 s each. */
const leaving = 30;

type Spec = Pick<ClusterSpec, "addons" | "logLevel">;

const isBalanced = ({ addons: { ingress } }: Pick<ClusterSpec, "addons">): boolean =>
  ingress.expose === "load_balancer";

/** https://doc.traefik.io/traefik/reference/install-configuration/configuration-options/ */
export function ingressFiles(spec: Spec): Record<string, string> {
  const { redirect, default_certificate } = spec.addons.ingress;
  const balanced = isBalanced(spec);
  const transport = {
    // Without a load balancer nobody else takes the connections of a pod that ends.
    lifeCycle: { requestAcceptGraceTimeout: `${balanced ? leaving : 0}s`, graceTimeOut: `${grace}s` },
  };
  // To the port outside. Challenges of certificate authorities come over http.
  const redirected = {
    allowACMEByPass: true,
    http: { redirections: { entryPoint: { to: `:${entryPoints.websecure.outside}`, scheme: "https" } } },
  };
  const configuration = {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    log: { level: spec.logLevel, format: "json" },
    ...(spec.logLevel === "DEBUG" ? { accessLog: { format: "json" } } : {}),
    ping: { entryPoint: "ping" },
    entryPoints: {
      web: { address: `:${entryPoints.web.port}`, asDefault: true, transport, ...(redirect ? redirected : {}) },
      websecure: { address: `:${entryPoints.websecure.port}`, asDefault: true, transport, http: { tls: {} } },
      ping: { address: `:${pingPort}` },
    },
    providers: {
      kubernetesIngress: {
        // /foo is not for /foobar, as Kubernetes says of paths of the type Prefix.
        strictPrefixMatching: true,
        ...(balanced ? { ingressEndpoint: { publishedService: `${namespace}/${name}` } } : {}),
      },
      ...(default_certificate === "" ? {} : { file: { directory: certificateDirectory, watch: true } }),
    },
  };
  const certificate = {
    certFile: `${certificateDirectory}/tls.crt`,
    keyFile: `${certificateDirectory}/tls.key`,
  };
  return {
    [staticFile]: stringify(configuration),
    ...(default_certificate === ""
      ? {}
      : { [certificateFile]: stringify({ tls: { stores: { default: { defaultCertificate: certificate } } } }) }),
  };
}

/**
 * Beside the file that names it, the Secret's own files: a change of the Secret changes the directory, which Traefik watches. Pods start
 * without the Secret: users can make it only once its namespace is there.
 */
const certificateVolume = (files: string, secret: string) => ({
  name: "certificate",
  projected: {
    sources: [
      { configMap: { name: files, items: [{ key: certificateFile, path: certificateFile }] } },
      { secret: { name: secret, optional: true } },
    ],
  },
});

/** @param objects The name of its objects. @param onNodes Its ports are ports of the machine. */
function parts(spec: ClusterSpec, objects: string, onNodes: boolean): AddonParts {
  const { default_certificate } = spec.addons.ingress;
  const ping = { path: "/ping", port: pingPort };
  const container: Container = {
    name,
    image: image(spec, name),
    args: [`--configFile=${directory}/${staticFile}`],
    ports: [
      ...Object.entries(entryPoints).map(([entryPoint, { outside, port }]) => ({
        name: entryPoint,
        containerPort: port,
        ...(onNodes ? { hostPort: outside } : {}),
      })),
      { name: "ping", containerPort: pingPort },
    ],
    // It answers before it has read the Ingresses.
    readinessProbe: { httpGet: ping, initialDelaySeconds: 3, periodSeconds: 2, failureThreshold: 1 },
    livenessProbe: { httpGet: ping, initialDelaySeconds: 10, periodSeconds: 10 },
    ...(default_certificate === ""
      ? {}
      : { volumeMounts: [{ name: "certificate", mountPath: certificateDirectory, readOnly: true }] }),
  };
  return {
    rights: {
      cluster: [
        // Certificates of Ingresses are in any namespace. Nodes: for Services that are reached by node ports.
        { apiGroups: [""], resources: ["services", "secrets", "nodes"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
        { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"], verbs: ["list", "watch"] },
        // The load balancer's address.
        ...(onNodes ? [] : [{ apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] }]),
      ],
    },
    files: { directory, data: ingressFiles(spec) },
    pod: {
      terminationGracePeriodSeconds: leaving + grace + 10,
      securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user },
      containers: [container],
      ...(default_certificate === "" ? {} : { volumes: [certificateVolume(objects, default_certificate)] }),
    },
    objects: [
      {
        kind: "IngressClass",
        id: `ingress-class-${className}`,
        args: {
          metadata: { name: className, annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
          spec: { controller: "traefik.io/ingress-controller" },
        },
      },
    ],
  };
}

const resources = ({ addons: { ingress: own } }: AddonSettings) => ({
  [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
});

/** On every public worker, at the machine's own ports. */
export const ingressOnNodes: Addon = {
  name,
  title: "ingress",
  needs: [publicWorkers],
  runsOn: "public",
  partOf: (choice) => choice.addons.ingress.enabled && !isBalanced(choice),
  // Ports of the machine are more than the level `baseline` allows.
  namespace: { name: namespace, podSecurity: "privileged" },
  resources,
  parts: ({ spec }) => parts(spec, name, true),
};

const balancedName = `${name}-balanced`;

/** Behind a load balancer of the cloud. */
export const ingressBalanced: Addon = {
  name: balancedName,
  title: "ingress",
  // The controller manager makes the load balancer, and removes it.
  needs: [workers, cloudControllerManager.name],
  runsOn: "workers",
  replicas: () => 2,
  partOf: (choice) => choice.addons.ingress.enabled && isBalanced(choice),
  namespace: { name: namespace, podSecurity: "restricted" },
  resources,
  parts: ({ spec }) => ({
    ...parts(spec, balancedName, false),
    service: {
      name,
      spec: {
        type: "LoadBalancer",
        // Only workers with a pod get connections, and pass them on as they came.
        externalTrafficPolicy: "Local",
        ports: Object.entries(entryPoints).map(([entryPoint, { outside }]) => ({
          name: entryPoint,
          port: outside,
          targetPort: entryPoint,
        })),
      },
    },
  }),
};
