"""What takes its time on EC2, and is done in moto at once: the region's machines say when it is done.

- A volume is "attaching" until its machine shows it, and "detaching" until its machine has let go of it. While the machine has
  its file system mounted, the attachment is "busy", for as long as it takes:
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
- A machine that is asked to stop is "stopping" until it has no power.
"""

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_block_store
from moto.ec2.models.instances import Instance, InstanceBackend

from patching import replaces

WITH_POWER = ("pending", "running", "stopping")
STATES = {"stopping": 64, "stopped": 80}


def move(instance, name):
    instance._state.name = name
    instance._state.code = STATES[name]


def patch():
    @replaces(elastic_block_store.EBSBackend, "attach_volume")
    def attach_volume(attach, self, volume_id, instance_id, device_path, delete_on_termination=False):
        volume = self.get_volume(volume_id)
        # A machine's own disk is there from the start.
        instance = self.get_instance(instance_id)
        own = device_path == instance.root_device_name or not instance.block_device_mapping
        if volume.attachment:
            raise EC2ClientError("VolumeInUse", f"{volume_id} is already attached to an instance")
        if device_path in instance.block_device_mapping:
            message = f"Invalid value '{device_path}' for unixDevice. Attachment point {device_path} is already in use"
            raise EC2ClientError("InvalidParameterValue", message)
        attachment = attach(self, volume_id, instance_id, device_path, delete_on_termination)
        attachment.status = "attached" if own else "attaching"
        return attachment

    @replaces(elastic_block_store.EBSBackend, "detach_volume")
    def detach_volume(detach, self, volume_id, instance_id, device_path):
        volume = self.get_volume(volume_id)
        attachment = volume.attachment
        if attachment is None:
            raise EC2ClientError("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
        if attachment.instance.id != instance_id:
            raise EC2ClientError("InvalidAttachment.NotFound", f"'{volume_id}' is not attached to '{instance_id}'")
        if attachment.instance._state.name not in WITH_POWER:
            return detach(self, volume_id, instance_id, device_path)
        attachment.status = "busy" if attachment.status == "busy" else "detaching"
        return attachment

    # A machine that ends lets go of everything.
    @replaces(Instance, "teardown_defaults")
    def teardown_defaults(teardown, self):
        self._state.name = "shutting-down"
        teardown(self)
        for address in self.ec2_backend.addresses:
            if address.instance is self:
                address.instance = address.eni = address.association_id = None

    @replaces(Instance, "stop")
    def stop(stop, self):
        had_power = self._state.name in WITH_POWER
        previous = stop(self)
        if had_power:
            move(self, "stopping")
        return previous

    @replaces(InstanceBackend, "stop_instances")
    def stop_instances(stop, self, instance_ids):
        for instance in self.get_multi_instances_by_id(instance_ids):
            if instance._state.name == "terminated":
                message = f"This instance '{instance.id}' is not in a state from which it can be stopped."
                raise EC2ClientError("IncorrectInstanceState", message)
        return stop(self, instance_ids)

    @replaces(InstanceBackend, "start_instances")
    def start_instances(start, self, instance_ids):
        for instance in self.get_multi_instances_by_id(instance_ids):
            if instance._state.name not in ("stopped", "running", "pending"):
                message = f"The instance '{instance.id}' is not in a state from which it can be started."
                raise EC2ClientError("IncorrectInstanceState", message)
        return start(self, instance_ids)


def report(ec2, body):
    """What the machines did since."""
    for change in body.get("instances", []):
        instance = ec2.get_instance(change["id"])
        if instance._state.name == "stopping":
            move(instance, "stopped")
        elif instance._state.name == "running":
            if instance.instance_initiated_shutdown_behavior == "terminate":
                instance.terminate()
            else:
                instance.stop()
                move(instance, "stopped")
            instance._reason = "Client.InstanceInitiatedShutdown"
    for volume_id, seen in body.get("volumes", {}).items():
        attachment = ec2.volumes[volume_id].attachment if volume_id in ec2.volumes else None
        if attachment is None:
            continue
        if attachment.status == "attaching" and seen != "absent":
            attachment.status = "attached"
        elif attachment.status in ("detaching", "busy"):
            if seen == "mounted":
                attachment.status = "busy"
            elif seen == "absent":
                attachment.instance.block_device_mapping.pop(attachment.device, None)
                attachment.status = "detached"
                ec2.volumes[volume_id].attachment = None
