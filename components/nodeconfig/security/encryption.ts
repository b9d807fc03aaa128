/** Encryption of Secrets in etcd: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ */
import { stringify } from "yaml";

export interface NumberedKey {
  readonly number: number;
  /** 32 bytes in base64. */
  readonly secret: string;
}

/**
 * The first key encrypts, all of them decrypt. Secrets only: ConfigMaps hold no secrets, and a backup that is readable without keys
 * is useful. No `identity`: unencrypted Secrets are refused, so that write access to etcd alone cannot
 * inject one.
 */
export function encryptionConfiguration(keys: readonly NumberedKey[]): string {
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [
      {
        resources: ["secrets"],
        // XSalsa20 and Poly1305. Its nonces are long enough to be random without limit; with AES-GCM, a key is good for 200,000 writes.
        providers: [{ secretbox: { keys: keys.map(({ number, secret }) => ({ name: `key${number}`, secret })) } }],
      },
    ],
  });
}
