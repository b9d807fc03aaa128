/** Types of resources that several rules look at, as the engine writes them. */

export const droplet = "digitalocean:index/droplet:Droplet";
export const instance = "aws:ec2/instance:Instance";
export const spotInstance = "aws:ec2/spotInstanceRequest:SpotInstanceRequest";
export const launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate";
export const launchConfiguration = "aws:ec2/launchConfiguration:LaunchConfiguration";

/** What becomes machines. */
export const machineTypes: readonly string[] = [droplet, instance, spotInstance, launchTemplate, launchConfiguration];

/** Machines that are resources themselves, not a template of some. */
export const singleMachines: readonly string[] = [droplet, instance, spotInstance];
