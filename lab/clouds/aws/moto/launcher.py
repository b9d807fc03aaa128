"""moto's server as the API of a lab region: its own model of AWS, with what a region on one machine needs on top.

- Public addresses come from the region's public network, load balancers get addresses of their own.
- GET /corekube/state gives all that machines, networks and load balancers are made from, in one answer.
- POST /corekube/move gives all load balancers other addresses.
- POST /corekube/report takes back what only the machines know: whether they run, which targets are healthy.
- A region begins empty: no default network, two images.

Requests are answered one at a time, so that each sees a whole state.
"""

import argparse
import base64
import ipaddress
import json
import signal
import sys
import threading
import uuid

from werkzeug.serving import WSGIRequestHandler, make_server

from moto import settings

settings.ec2_load_default_amis = lambda: False

from moto.core.utils import utcnow  # noqa: E402
from moto.ec2 import models as ec2_package  # noqa: E402
from moto.ec2.models import amis, elastic_ip_addresses, elastic_network_interfaces, iam_instance_profile, instances, nat_gateways, subnets  # noqa: E402
from moto.ec2.models.instances import Instance  # noqa: E402
from moto.ec2.responses import instances as instance_responses  # noqa: E402
from moto.elb import models as elb_models  # noqa: E402
from moto.elbv2 import models as elbv2_models  # noqa: E402
from moto.elbv2.exceptions import DuplicateLoadBalancerName  # noqa: E402
from moto.iam.models import iam_backends  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402

import scarcity  # noqa: E402
import transitions  # noqa: E402
from patching import replaces  # noqa: E402

ACCOUNT = "123456789012"
FLATCAR_OWNER = "075585003325"


class Region:
    """One region of one account: what the patches below share."""

    def __init__(self, options):
        self.name = options.region
        self.epoch = str(uuid.uuid4())
        self.public = ipaddress.ip_network(options.public_cidr)
        self.kept = {str(self.public[1])} | set(options.keep.split(",") if options.keep else [])
        self.addresses = options.addresses
        self.given = 0
        self.health = {}

    def gives_again_at_once(self):
        try:
            with open(self.addresses) as file:
                return file.read().strip() == "at-once"
        except OSError:
            return False

    @property
    def ec2(self):
        return ec2_package.ec2_backends[ACCOUNT][self.name]

    @property
    def elb(self):
        return elb_models.elb_backends[ACCOUNT][self.name]

    @property
    def elbv2(self):
        return elbv2_models.elbv2_backends[ACCOUNT][self.name]

    def balancers(self):
        return [*self.elbv2.load_balancers.values(), *self.elb.load_balancers.values()]

    def public_address(self):
        """The lowest unused address, or in the other mode the next one after the last that was given out."""
        taken = set(self.kept)
        taken.update(eni.public_ip for eni in self.ec2.enis.values() if eni.public_ip)
        taken.update(address.public_ip for address in self.ec2.addresses)
        taken.update(balancer.ck_public for balancer in self.balancers() if getattr(balancer, "ck_public", None))
        addresses = list(self.public.hosts())
        start = 0 if self.gives_again_at_once() else self.given % len(addresses)
        for offset in range(len(addresses)):
            index = (start + offset) % len(addresses)
            if str(addresses[index]) not in taken:
                self.given = index + 1
                return str(addresses[index])
        raise RuntimeError(f"no public address of {self.public} is free")

    def place(self, balancer, subnet_id):
        """Gives a load balancer its addresses: one in its first subnet, and a public one when it faces the internet."""
        balancer.ck_subnet = subnet_id
        balancer.ck_private = self.ec2.get_subnet(subnet_id).get_available_subnet_ip(balancer)
        balancer.ck_public = None if balancer.scheme == "internal" else self.public_address()

    def move(self):
        """Gives every load balancer addresses that it did not have, as AWS does when it replaces what is behind the name."""
        for balancer in self.balancers():
            former = balancer.ck_private
            self.place(balancer, balancer.ck_subnet)
            self.ec2.get_subnet(balancer.ck_subnet).del_subnet_ip(former)

    def free(self, balancer):
        try:
            self.ec2.get_subnet(balancer.ck_subnet).del_subnet_ip(balancer.ck_private)
        except Exception:  # The subnet went first.
            pass


def patch(region):
    transitions.patch()
    for module, name in [(elastic_network_interfaces, "random_public_ip"), (elastic_ip_addresses, "random_ip")]:
        setattr(module, name, region.public_address)

    @replaces(subnets.Subnet, "del_subnet_ip")
    def free_address(free, self, ip):
        free(self, ip)
        self.ck_freed = ip

    # moto keeps the private addresses of instances that are gone.
    @replaces(Instance, "terminate")
    def terminate(end, self):
        previous = end(self)
        if self.subnet_id and previous.name != "terminated":
            for ip in self._private_ips:
                self.ec2_backend.get_subnet(self.subnet_id).del_subnet_ip(ip)
        return previous

    # moto gives out first any address that has become free.
    @replaces(subnets.Subnet, "get_available_subnet_ip")
    def subnet_address(give, self, instance):
        freed = self._unused_ips
        self._unused_ips = freed & {getattr(self, "ck_freed", None)} if region.gives_again_at_once() else set()
        try:
            return give(self, instance)
        except StopIteration:
            self._unused_ips = freed
            return give(self, instance)
        finally:
            self._unused_ips = freed - set(self._subnet_ips)

    # moto gives a NAT gateway any private address.
    @replaces(nat_gateways.NatGateway, "__init__")
    def nat_init(create, self, backend, subnet_id, *args, **kwargs):
        nat_gateways.random_private_ip = lambda: backend.get_subnet(subnet_id).get_available_subnet_ip(self)
        create(self, backend, subnet_id, *args, **kwargs)

    # moto keeps the network interface of a NAT gateway that is gone, and its address tied to it.
    @replaces(nat_gateways.NatGatewayBackend, "delete_nat_gateway")
    def delete_nat_gateway(delete, self, nat_gateway_id):
        gateway = delete(self, nat_gateway_id)
        for address in self.addresses:
            if address.eni is gateway._eni:
                address.eni = address.association_id = None
        self.enis.pop(gateway._eni.id, None)
        return gateway

    # moto shows the machine with the profile that it had before.
    @replaces(iam_instance_profile.IamInstanceProfileAssociationBackend, "replace_iam_instance_profile_association")
    def replace_profile(replace, self, association_id, *args, **kwargs):
        association = replace(self, association_id, *args, **kwargs)
        shown = {"Arn": association.iam_instance_profile.arn, "Id": association.association_id}
        self.modify_instance_attribute(association.instance.id, "iam_instance_profile", shown)
        return association

    # Where the API takes bytes, moto has decoded them already and would do it again.
    @replaces(instance_responses, "parse_user_data")
    def parse_user_data(parse, value):
        return parse(base64.b64encode(value).decode() if isinstance(value, bytes) else value)

    # An instance has the security groups of its first interface; moto knows those of the request alone, and forgets none.
    @replaces(Instance, "prep_nics")
    def grouped_nics(prepare, self, *args, **kwargs):
        prepare(self, *args, **kwargs)
        if 0 in self.nics:
            self.security_groups = list(self.nics[0].group_set)

    @replaces(instances.InstanceBackend, "modify_instance_security_groups")
    def modify_groups(modify, self, instance_id, new_group_id_list):
        modify(self, instance_id, new_group_id_list)
        instance = self.get_instance(instance_id)
        if 0 in instance.nics:
            instance.nics[0]._group_set = list(instance.security_groups)

    @replaces(elbv2_models.ELBv2Backend, "create_load_balancer")
    def create_load_balancer(create, self, *args, **kwargs):
        # moto compares ARNs, which are never the same.
        if kwargs["name"] in [other.name for other in self.load_balancers.values()]:
            raise DuplicateLoadBalancerName()
        balancer = create(self, *args, **kwargs)
        region.place(balancer, balancer.subnets[0].id)
        balancer.dns_name = f"{balancer.name}-{uuid.uuid4().hex[:16]}.elb.{self.region_name}.amazonaws.com"
        return balancer

    @replaces(elb_models.ELBBackend, "create_load_balancer")
    def create_classic(create, self, *args, **kwargs):
        balancer = create(self, *args, **kwargs)
        balancer.dns_name = f"{balancer.name}-{uuid.uuid4().int % 10**10}.{self.region_name}.elb.amazonaws.com"
        # On AWS it exists from the start; moto creates it on request.
        target = f"TCP:{balancer.listeners[0].instance_port}"
        balancer.health_check = elb_models.FakeHealthCheck("5", "10", "2", "30", target)
        region.place(balancer, balancer.subnets[0])
        return balancer

    for backend in (elbv2_models.ELBv2Backend, elb_models.ELBBackend):

        @replaces(backend, "delete_load_balancer")
        def delete_load_balancer(delete, self, key):
            if key in self.load_balancers:
                region.free(self.load_balancers[key])
            delete(self, key)

    # moto keeps only the listeners that the last of the named ports did not match.
    @replaces(elb_models.ELBBackend, "delete_load_balancer_listeners")
    def delete_classic_listeners(_delete, self, name, ports):
        balancer = self.get_load_balancer(name)
        if balancer:
            gone = {int(port) for port in ports}
            balancer.listeners = [listener for listener in balancer.listeners if int(listener.load_balancer_port) not in gone]
        return balancer

    @replaces(elbv2_models.FakeTargetGroup, "health_for")
    def health(health_for, self, target, ec2_backend):
        known = health_for(self, target, ec2_backend)
        if known.status != "healthy":
            return known
        seen = region.health.get(self.arn, {}).get(target["Id"])
        if seen is True:
            return known
        known.status = "unhealthy" if seen is False else "initial"
        known.reason = "Target.FailedHealthChecks" if seen is False else "Elb.RegistrationInProgress"
        known.description = "Health checks failed" if seen is False else "Target registration is in progress"
        return known

    @replaces(elb_models.ELBBackend, "describe_instance_health")
    def classic_health(instance_health, self, lb_name, instances):
        answer = instance_health(self, lb_name, instances)
        for item in answer:
            if item["State"] == "InService" and region.health.get(lb_name, {}).get(item["InstanceId"]) is not True:
                item["State"] = "OutOfService"
        return answer


def seed(region, version):
    """Empties the region of what moto puts there, and adds the images that the lab can boot."""
    ec2 = region.ec2
    for subnets in list(ec2.subnets.values()):
        for subnet in list(subnets.values()):
            ec2.delete_subnet(subnet.id)
    for vpc in list(ec2.vpcs.values()):
        for gateway in list(ec2.internet_gateways.values()):
            if gateway.vpc and gateway.vpc.id == vpc.id:
                ec2.detach_internet_gateway(gateway.id, vpc.id)
                ec2.delete_internet_gateway(gateway.id)
        ec2.delete_vpc(vpc.id)
    ec2.network_acls.clear()
    # A machine of the lab boots the same from both.
    for number, channel in enumerate(["stable", "beta"], 1):
        image = f"ami-0f1a7ca200000000{number}"
        ec2.amis[image] = amis.Ami(
            ec2,
            image,
            name=f"Flatcar-{channel}-{version}-hvm",
            description=f"Flatcar Container Linux {channel} {version} (HVM)",
            owner_id=FLATCAR_OWNER,
            public=True,
            virtualization_type="hvm",
            architecture="x86_64",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name="/dev/xvda",
            boot_mode="uefi-preferred",
            region_name=f"{region.name}a",
            creation_date=utcnow(),
        )
    # What every image brings along is Amazon's, not the account's.
    ec2.snapshots.clear()


def tags_of(resource):
    return {tag["key"]: tag["value"] for tag in resource.get_tags()}


def instance_state(region, instance):
    mapping = dict(instance.get_block_device_mapping)
    root = mapping.get(instance.root_device_name) or mapping.get("/dev/sda1") or mapping.get("/dev/xvda")
    key = region.ec2.key_pairs.get(instance.key_name) if instance.key_name else None
    kind = region.ec2.describe_instance_types([instance.instance_type])
    kind = kind[0] if kind else {}
    profile = instance.iam_instance_profile
    association = region.ec2.iam_instance_profile_associations.get(instance.id)
    if association is not None:
        profile = association.iam_instance_profile
    nic = instance.nics.get(0)
    return {
        "id": instance.id,
        "state": instance.state,
        "type": instance.instance_type,
        "cpus": (kind.get("VCpuInfo") or {}).get("DefaultVCpus", 2),
        "memory": (kind.get("MemoryInfo") or {}).get("SizeInMiB", 4096),
        "image": instance.image_id,
        "zone": instance.placement.zone,
        "subnet": instance.subnet_id,
        "vpc": instance.vpc_id,
        "privateAddress": instance.private_ip,
        "publicAddress": instance.public_ip,
        "mac": nic.mac_address if nic else "02:00:00:00:00:01",
        "interface": nic.id if nic else "",
        "groups": [{"id": group.id, "name": group.name} for group in sorted(nic.group_set if nic else [], key=lambda group: group.id)],
        "rootDisk": root.size if root else 8,
        "rootVolume": root.volume_id if root else None,
        "userData": str(instance.user_data or ""),
        "keyName": instance.key_name,
        "publicKey": key.public_key.strip() if key else None,
        "tags": tags_of(instance),
        "hopLimit": instance.metadata_options.http_put_response_hop_limit,
        "metadataTags": instance.metadata_options.instance_metadata_tags == "enabled",
        "profile": profile_state(profile),
        "launched": str(instance.launch_time),
    }


def profile_state(profile):
    """The instance profile by name or ARN, as whichever of them the request gave."""
    if not profile:
        return None
    wanted = profile if isinstance(profile, str) else (profile.get("Name") or profile.get("Arn")) if isinstance(profile, dict) else profile.name
    for candidate in iam_backends[ACCOUNT]["aws"].instance_profiles.values():
        if wanted in (candidate.name, candidate.arn):
            return {"id": candidate.id, "name": candidate.name, "arn": candidate.arn, "roles": [role.name for role in candidate.roles]}
    return None


def rule_state(rule):
    return {
        "protocol": rule.ip_protocol,
        "from": rule.from_port,
        "to": rule.to_port,
        "cidr": rule.cidr_ipv4,
        "group": (rule.source_group or {}).get("GroupId"),
    }


def routes_state(table):
    return [
        {
            "cidr": str(route.destination_cidr_block),
            "internet": getattr(route.gateway, "id", None) if str(getattr(route.gateway, "id", "")).startswith("igw-") else None,
            "nat": getattr(route.nat_gateway, "id", None),
        }
        for route in table.routes
        if not route.local
    ]


def balancer_v2_state(region, balancer):
    listeners = []
    for listener in balancer.listeners.values():
        arns = [arn for action in listener.default_actions if action.type == "forward" for arn in region.elbv2._get_target_group_arns_from(action.data)]
        for group in [region.elbv2.target_groups[arn] for arn in arns if arn in region.elbv2.target_groups]:
            listeners.append(
                {
                    "protocol": listener.protocol,
                    "port": int(listener.port),
                    "group": group.arn,
                    "targetType": group.target_type,
                    "targets": [{"id": target["Id"], "port": int(target["Port"])} for target in group.targets.values()],
                    "health": {
                        "protocol": group.health_check_protocol,
                        "port": group.health_check_port,
                        "path": group.health_check_path,
                        "interval": int(group.health_check_interval_seconds),
                        "timeout": int(group.health_check_timeout_seconds),
                        "healthy": int(group.healthy_threshold_count),
                        "unhealthy": int(group.unhealthy_threshold_count),
                    },
                }
            )
    return {"id": balancer.arn, "groups": balancer.security_groups or [], **balancer_state(balancer), "listeners": listeners}


def classic_state(balancer):
    check = balancer.health_check
    protocol, _, rest = (check.target if check else "TCP:80").partition(":")
    port, slash, path = rest.partition("/")
    listeners = [
        {
            "protocol": listener.protocol,
            "port": int(listener.load_balancer_port),
            "group": balancer.name,
            "targetType": "instance",
            "targets": [{"id": item, "port": int(listener.instance_port)} for item in balancer.instance_ids],
            "health": {
                "protocol": protocol,
                "port": port,
                "path": slash + path,
                "interval": int(check.interval) if check else 30,
                "timeout": int(check.timeout) if check else 5,
                "healthy": int(check.healthy_threshold) if check else 2,
                "unhealthy": int(check.unhealthy_threshold) if check else 2,
            },
        }
        for listener in balancer.listeners
    ]
    return {"id": f"classic/{balancer.name}", "groups": list(balancer.security_groups), **balancer_state(balancer), "listeners": listeners}


def balancer_state(balancer):
    return {
        "name": balancer.name,
        "dnsName": balancer.dns_name,
        "internal": balancer.scheme == "internal",
        "vpc": balancer.vpc_id,
        "publicAddress": balancer.ck_public,
        "privateAddress": balancer.ck_private,
    }


def state(region):
    ec2 = region.ec2
    iam = iam_backends[ACCOUNT]["aws"]
    subnets = [subnet for group in ec2.subnets.values() for subnet in group.values()]
    instances = [instance for reservation in ec2.reservations.values() for instance in reservation.instances]
    groups = [group for vpc in ec2.groups.values() for group in vpc.values()]
    return {
        "epoch": region.epoch,
        "account": ACCOUNT,
        "region": region.name,
        "vpcs": [{"id": vpc.id, "cidr": vpc.cidr_block} for vpc in ec2.vpcs.values()],
        "subnets": [{"id": item.id, "vpc": item.vpc_id, "cidr": item.cidr_block, "zone": item.availability_zone} for item in subnets],
        "routeTables": [
            {"id": table.id, "vpc": table.vpc_id, "main": table.main_association_id is not None, "subnets": list(table._associations.values()), "routes": routes_state(table)}
            for table in ec2.route_tables.values()
        ],
        "natGateways": [
            {"id": nat.id, "state": nat.state, "subnet": nat.subnet_id, "publicAddress": nat._eni.public_ip} for nat in ec2.nat_gateways.values() if nat.state != "deleted"
        ],
        "instances": [instance_state(region, item) for item in instances if item.state != "terminated"],
        "volumes": [
            {
                "id": volume.id,
                "size": volume.size,
                "instance": volume.attachment.instance.id if volume.attachment else None,
                "device": volume.attachment.device if volume.attachment else None,
                "attachment": volume.attachment.status if volume.attachment else None,
            }
            for volume in ec2.volumes.values()
        ],
        "groups": [
            {"id": group.id, "vpc": group.vpc_id, "ingress": [rule_state(rule) for rule in group.ingress_rules], "egress": [rule_state(rule) for rule in group.egress_rules]}
            for group in groups
        ],
        "balancers": [
            *[balancer_v2_state(region, item) for item in region.elbv2.load_balancers.values()],
            *[classic_state(item) for item in region.elb.load_balancers.values()],
        ],
        # Everything that an account can be left with, by kind: what the region's owner sees as "empty".
        "kinds": {
            "instances": [item.id for item in instances if item.state != "terminated"],
            "volumes": list(ec2.volumes),
            "snapshots": list(ec2.snapshots),
            "key pairs": list(ec2.key_pairs),
            "VPCs": list(ec2.vpcs),
            "subnets": [subnet.id for subnet in subnets],
            "internet gateways": list(ec2.internet_gateways),
            "NAT gateways": [nat.id for nat in ec2.nat_gateways.values() if nat.state != "deleted"],
            "route tables": list(ec2.route_tables),
            "elastic addresses": [address.public_ip for address in ec2.addresses],
            "network interfaces": list(ec2.enis),
            "security groups": [group.id for group in groups],
            "network load balancers": list(region.elbv2.load_balancers),
            "target groups": list(region.elbv2.target_groups),
            "classic load balancers": list(region.elb.load_balancers),
            "roles": [role.name for role in iam.roles.values()],
            "instance profiles": [profile.name for profile in iam.instance_profiles.values()],
            "policies": [policy.name for policy in iam.managed_policies.values() if ":aws:policy/" not in policy.arn],
        },
    }


def report(region, body):
    """What the machines themselves did since."""
    region.health = body.get("health", region.health)
    transitions.report(region.ec2, body)
    return {}


class Application:
    """moto's own, and the region's two paths beside it."""

    def __init__(self, region):
        self.region = region
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        with self.lock:
            if not path.startswith("/corekube/"):
                return list(self.moto(environ, start_response))
            if path == "/corekube/state":
                answer = state(self.region)
            elif path == "/corekube/move" and environ["REQUEST_METHOD"] == "POST":
                answer = self.region.move() or {}
            elif path == "/corekube/report" and environ["REQUEST_METHOD"] == "POST":
                answer = report(self.region, json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}"))
            else:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"not found\n"]
        text = json.dumps(answer).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]


class Quiet(WSGIRequestHandler):
    """Writes no line per request: the proxy in front of this server logs them."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *args, **kwargs):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--public-cidr", required=True)
    parser.add_argument("--keep", default="", help="public addresses that must stay unused, separated by commas")
    parser.add_argument("--addresses", default="", help="file that says when addresses are given out again: later (the default) or at-once")
    parser.add_argument("--scarcity", default="", help="file that says what EC2 has run out of")
    parser.add_argument("--flatcar", required=True, help="version that the image's name carries")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    region = Region(options)
    seed(region, options.flatcar)
    patch(region)
    scarcity.patch(options.scarcity)
    make_server(options.host, options.port, Application(region), threaded=True, request_handler=Quiet).serve_forever()


main()
