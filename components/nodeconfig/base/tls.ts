/** What all servers of the cluster accept: TLS 1.2 with forward secrecy and authenticated encryption, or TLS 1.3. */

export const tlsMinimum = "VersionTLS12";

/** For TLS 1.2; TLS 1.3 has no weak ones. The cluster's keys are ECDSA; RSA is for certificates of users. */
export const cipherSuites: readonly string[] = [
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];
