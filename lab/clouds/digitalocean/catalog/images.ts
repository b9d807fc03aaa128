/** Public images, as far as the lab names them. Whatever image a droplet asks for, its machine boots the lab's base. */
import type { ImageRecord } from "../state.js";
import { regionSlugs } from "./regions.js";

/** id, distribution, name, slug, minimum disk in GB, size in GB */
const rows: readonly (readonly [number, string, string, string, number, number])[] = [
  [195932981, "Ubuntu", "25.04 x64", "ubuntu-25-04-x64", 10, 0.62],
  [195932980, "Ubuntu", "24.04 (LTS) x64", "ubuntu-24-04-x64", 10, 0.6],
  [195932979, "Ubuntu", "22.04 (LTS) x64", "ubuntu-22-04-x64", 7, 0.62],
  [195932983, "Debian", "13 x64", "debian-13-x64", 10, 0.5],
  [195932982, "Debian", "12 x64", "debian-12-x64", 10, 0.46],
  [195932984, "Fedora", "42 x64", "fedora-42-x64", 15, 0.45],
  [195932985, "Rocky Linux", "9 x64", "rockylinux-9-x64", 15, 0.55],
  [195932986, "CentOS", "9 Stream x64", "centos-stream-9-x64", 15, 0.6],
];

export const publicImages: readonly ImageRecord[] = rows.map(([id, distribution, name, slug, minimum, size]) => ({
  id,
  name,
  type: "base",
  distribution,
  slug,
  public: true,
  regions: [...regionSlugs],
  created_at: "2026-01-15T08:00:00Z",
  min_disk_size: minimum,
  size_gigabytes: size,
  description: `${distribution} ${name}`,
  tags: [],
  status: "available",
  error_message: "",
}));

/** Distributions that a custom image may name; any other becomes "Unknown", as in the original. */
export const distributions: readonly string[] = [
  "Arch Linux",
  "CentOS",
  "CoreOS",
  "Debian",
  "Fedora",
  "Fedora Atomic",
  "FreeBSD",
  "Gentoo",
  "openSUSE",
  "RancherOS",
  "Rocky Linux",
  "Ubuntu",
  "Unknown",
];
