import { version } from "@pulumi/tls/package.json";
import { standIn } from "../framework/standIn.js";
import { certRequest, locallySignedCert, privateKey, selfSignedCert } from "./kinds.js";

export const plugin = standIn<undefined>({
  name: "tls",
  version,
  kinds: {
    "tls:index/privateKey:PrivateKey": privateKey,
    "tls:index/certRequest:CertRequest": certRequest,
    "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
    "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
  },
  settings: [],
  configure: () => undefined,
});
