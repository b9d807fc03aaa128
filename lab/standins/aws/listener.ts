import type { Listener as ApiListener } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Failure, Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { type Attribute, attributeMap, type Described, ElbKind, tagList } from "./elbKind.js";
import { bags, isGiven, number, text } from "./values.js";

const attributes: readonly Attribute[] = [
  { input: "tcpIdleTimeoutSeconds", key: "tcp.idle_timeout.seconds", is: "number" },
];

export class Listener extends ElbKind<ApiListener> {
  protected readonly title = "listener";
  protected readonly replaces = new Set(["loadBalancerArn"]);
  protected readonly inputs = [
    "defaultActions",
    "loadBalancerArn",
    "port",
    "protocol",
    "tags",
    "tcpIdleTimeoutSeconds",
  ];
  protected readonly computed = ["arn", "protocol", "sslPolicy", "tcpIdleTimeoutSeconds"];
  protected override readonly sticky = new Set(["protocol", "tcpIdleTimeoutSeconds"]);

  protected idOf({ api }: Described<ApiListener>): string {
    return String(api.ListenerArn);
  }

  protected override problems(inputs: Properties): Failure[] {
    return bags(inputs["defaultActions"]).flatMap((action, index): Failure[] => {
      const place = `defaultActions[${index}]`;
      if (action["type"] !== "forward")
        return [
          {
            property: `${place}.type`,
            reason: `${place}.type: got ${JSON.stringify(action["type"])}, the stand-in has "forward" only`,
          },
        ];
      const extra = Object.keys(action).filter(
        (name) => !["type", "targetGroupArn", "order"].includes(name) && isGiven(action[name]),
      );
      if (extra.length > 0)
        return [
          {
            property: place,
            reason: `${place}: the stand-in does not support ${extra.join(", ")}; give targetGroupArn, or install the official plugin`,
          },
        ];
      return isGiven(action["targetGroupArn"])
        ? []
        : [{ property: `${place}.targetGroupArn`, reason: `${place}.targetGroupArn is missing` }];
    });
  }

  private actions(
    inputs: Properties,
  ): { Type: "forward"; TargetGroupArn: string | undefined; Order: number | undefined }[] {
    return bags(inputs["defaultActions"]).map((action) => ({
      Type: "forward",
      TargetGroupArn: text(action["targetGroupArn"]),
      Order: number(action["order"]),
    }));
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Described<ApiListener>> {
    const { Listeners } = await this.elb(operation).createListener({
      LoadBalancerArn: text(inputs["loadBalancerArn"]),
      Port: number(inputs["port"]),
      Protocol: text(inputs["protocol"]) as "TCP" | undefined,
      DefaultActions: this.actions(inputs),
      Tags: tagList(this.allTags(inputs)),
    });
    return { api: Listeners?.[0] ?? {} };
  }

  protected async look(operation: Operation, id: string): Promise<Described<ApiListener> | undefined> {
    return this.found(async () => {
      const [api] = (await this.elb(operation).describeListeners({ ListenerArns: [id] })).Listeners ?? [];
      if (api?.ListenerArn !== id) return undefined;
      const [tags, values] = await Promise.all([
        this.tagsAt(operation, id),
        this.elb(operation).describeListenerAttributes({ ListenerArn: id }),
      ]);
      return { api, tags, attributes: attributeMap(values.Attributes) };
    });
  }

  protected attributes({ api, attributes: values }: Described<ApiListener>): Properties {
    return {
      arn: api.ListenerArn ?? null,
      loadBalancerArn: api.LoadBalancerArn ?? null,
      port: api.Port ?? null,
      protocol: api.Protocol ?? null,
      sslPolicy: api.SslPolicy ?? "",
      defaultActions: (api.DefaultActions ?? []).map((action) => ({
        type: action.Type ?? "forward",
        targetGroupArn: action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn ?? "",
        ...(action.Order === undefined ? {} : { order: action.Order }),
      })),
      ...this.attributeOutputs(attributes, values),
    };
  }

  protected async converge(
    { operation }: Deadline,
    id: string,
    { api, tags, attributes: values }: Described<ApiListener>,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    await this.retagArn(operation, id, tags ?? {}, this.allTags(inputs));
    if (["port", "protocol", "defaultActions"].some((name) => changed.has(name))) {
      await this.elb(operation).modifyListener({
        ListenerArn: id,
        Port: number(inputs["port"]) ?? api.Port,
        Protocol: (text(inputs["protocol"]) ?? api.Protocol) as "TCP" | undefined,
        DefaultActions: this.actions(inputs),
      });
    }
    const changes = this.attributeChanges(attributes, values ?? {}, inputs);
    if (changes.length > 0)
      await this.elb(operation).modifyListenerAttributes({ ListenerArn: id, Attributes: changes });
  }

  protected async remove({ operation }: Deadline, { id }: State): Promise<void> {
    await this.elb(operation).deleteListener({ ListenerArn: id });
  }
}
