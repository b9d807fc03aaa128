/** Certificates for servers of tests. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In PEM. */
export interface SelfSigned {
  readonly key: string;
  readonly certificate: string;
}

/**
 * A certificate for 127.0.0.1 that is its own authority.
 * @param commonName Or a whole subject, such as `/O=group/CN=user`.
 * @param days Until it expires.
 */
export function selfSigned(commonName: string, days = 1): SelfSigned {
  const folder = mkdtempSync(join(tmpdir(), "corekube-certificate-"));
  try {
    const [key, certificate] = [join(folder, "key"), join(folder, "certificate")];
    const curve = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -addext subjectAltName=IP:127.0.0.1".split(" ");
    const files = ["-keyout", key, "-out", certificate];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        ...curve,
        "-days",
        String(days),
        "-subj",
        `${commonName.startsWith("/") ? "" : "/CN="}${commonName}`,
        ...files,
      ],
      {
        stdio: "pipe",
      },
    );
    return { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
