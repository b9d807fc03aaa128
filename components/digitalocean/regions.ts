/** Regions: https://docs.digitalocean.com/platform/regional-availability/ (without those that take no new customers). */
import type { Region } from "../cloud/profile.js";

export const dropletRegions: readonly Region[] = [
  { name: "nyc1", near: [] },
  { name: "nyc2", near: [] },
  { name: "nyc3", near: ["us-east"] },
  { name: "sfo2", near: [] },
  { name: "sfo3", near: ["us-west"] },
  { name: "atl1", near: [] },
  { name: "tor1", near: ["ca-"] },
  { name: "ams3", near: ["eu-north"] },
  { name: "fra1", near: ["eu-central", "eu-south"] },
  { name: "lon1", near: ["eu-west"] },
  { name: "sgp1", near: ["ap-southeast-1", "ap-southeast-3", "ap-east", "ap-northeast"] },
  { name: "blr1", near: ["ap-south-", "me-"] },
  { name: "syd1", near: ["ap-southeast-2", "ap-southeast-4"] },
];
