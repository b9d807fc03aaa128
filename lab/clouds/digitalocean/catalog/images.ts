/** The one public image of the lab. Whatever image a droplet asks for, its machine boots the lab's base. */
import type { ImageRecord } from "../state.js";
import { regionSlugs } from "./regions.js";

export const publicImages: readonly ImageRecord[] = [
  {
    id: 195932982,
    name: "12 x64",
    type: "base",
    distribution: "Debian",
    slug: "debian-12-x64",
    public: true,
    regions: [...regionSlugs],
    created_at: "2026-01-15T08:00:00Z",
    min_disk_size: 10,
    size_gigabytes: 0.46,
    description: "Debian 12 x64",
    tags: [],
    status: "available",
    error_message: "",
  },
];
