/** DigitalOcean has no settings of its own. */
declare module "../spec/clouds.js" {
  interface CloudSpecs {
    readonly digitalocean: object;
  }
}

export {};
