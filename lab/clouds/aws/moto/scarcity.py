"""What EC2 has run out of, as the file of lab/scarcity.ts says, with EC2's errors:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import json

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import InstanceTypeOfferingBackend
from moto.ec2.models.instances import InstanceBackend

from patching import replaces


def read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return {}


def cpus_of(backend, instance_type):
    found = backend.describe_instance_types([instance_type])
    return found[0]["VCpuInfo"]["DefaultVCpus"] if found else 0


def patch(path):
    def lacks(key, instance_type, zone):
        return zone in read(path).get(key, {}).get(instance_type, [])

    @replaces(InstanceTypeOfferingBackend, "describe_instance_type_offerings")
    def offerings(describe, self, location_type=None, filters=None):
        found = describe(self, location_type, filters)
        return [each for each in found if not lacks("withdrawn", each["InstanceType"], each["Location"])]

    @replaces(InstanceBackend, "run_instances")
    def run_instances(run, self, image_id, count, *args, **kwargs):
        if image_id not in self.amis:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
        instance_type = kwargs.get("instance_type") or "m1.small"
        nics = kwargs.get("nics") or []
        subnet_id = kwargs.get("subnet_id") or next((nic.get("SubnetId") for nic in nics), None)
        zone = self.get_subnet(subnet_id).availability_zone if subnet_id else kwargs.get("placement")
        if lacks("withdrawn", instance_type, zone):
            message = f"Your requested instance type ({instance_type}) is not supported in your requested Availability Zone ({zone}). Please retry your request by not specifying an Availability Zone or choosing another one."
            raise EC2ClientError("Unsupported", message)
        if lacks("soldOut", instance_type, zone):
            message = f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). Our system will be working on provisioning additional capacity."
            raise EC2ClientError("InsufficientInstanceCapacity", message)
        limit = read(path).get("vcpus")
        if limit is not None:
            running = [each for reservation in self.reservations.values() for each in reservation.instances if each._state.name in ("pending", "running")]
            used = sum(cpus_of(self, each.instance_type) for each in running)
            if used + int(count) * cpus_of(self, instance_type) > limit:
                message = f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
                raise EC2ClientError("VcpuLimitExceeded", message)
        return run(self, image_id, count, *args, **kwargs)
