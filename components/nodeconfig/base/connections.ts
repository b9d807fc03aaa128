/** The kernel's table of tracked connections, without room in which new ones are dropped. */

/**
 * Kubernetes' own rule: 32,768 for each CPU, 131,072 at least, 1,048,576 at most.
 * https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/#kubeproxy-config-k8s-io-v1alpha1-KubeProxyConntrackConfiguration
 */
const rule = { perCpu: 32_768, least: 131_072, most: 1_048_576 };

const limitFile = "/proc/sys/net/netfilter/nf_conntrack_max";

/**
 * The kernel sizes the table by memory alone: 65,536 up to 4 GB. kube-proxy could raise it, but would lower a larger one, and stop where
 * the setting is read-only, as on machines that share a kernel.
 */
export const raiseConnectionLimit = `# Room for as many connections as Kubernetes expects.
limit=$(($(nproc) * ${rule.perCpu}))
if ((limit < ${rule.least})); then limit=${rule.least}; fi
if ((limit > ${rule.most})); then limit=${rule.most}; fi
if (($(cat ${limitFile}) < limit)); then
  { echo "$limit" >${limitFile}; } 2>/dev/null ||
    echo "activate: the kernel tracks $(cat ${limitFile}) connections at most, expected $limit; ${limitFile} cannot be written" >&2
fi
`;
