/** What the program knows about the third cloud. */
import type { CloudProfile } from "../../../../components/cloud/profile.js";

export const profile: CloudProfile = {
  metadata: "HOSTNAME=$(fetch http://169.254.169.254/name)\n",
  volumeDevice: (suffix) => `/dev/tiny/${suffix}`,
  image: "flatcar-4593.2.5",
  regions: [{ name: "cellar", near: [] }],
  sizes: [
    { name: "small", cpus: 2, memory: 4096, disk: 40, monthly: 5 },
    { name: "large", cpus: 8, memory: 16_384, disk: 80, monthly: 20 },
  ],
  privateNetwork: {
    prefix: { from: 16, to: 24 },
    reserved: ["10.0.0.0/16", "10.200.0.0/16"],
    taken: 2,
    parts: 1,
    spread: 1,
  },
  balancersFrom: [],
  images: { accepts: /^flatcar-[0-9.]+$/, allowed: "an image of tiny, such as flatcar-4593.2.5" },
  volumeSize: { from: 2, to: 32 },
  tags: { taken: [], key: /^[A-Za-z]{1,20}$/, value: /^[A-Za-z0-9]{0,20}$/, allowed: "letters and digits" },
};
