import type { KeyPairInfo } from "@aws-sdk/client-ec2";
import type { Operation, Properties, State, Value } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { fromApiTags, type Tags } from "./tags.js";
import { text } from "./values.js";

export class KeyPair extends AwsKind<KeyPairInfo> {
  protected readonly title = "key pair";
  protected override readonly named = true;
  protected override readonly nameProperty = "keyName";
  protected readonly replaces = new Set(["keyName", "keyNamePrefix", "publicKey"]);
  protected readonly inputs = ["keyName", "publicKey", "tags"];
  protected readonly computed = ["arn", "fingerprint", "keyPairId", "keyType"];

  protected idOf(key: KeyPairInfo): string {
    return String(key.KeyName);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<KeyPairInfo> {
    return this.ec2(operation).importKeyPair({
      KeyName: this.nameFor(inputs),
      PublicKeyMaterial: Buffer.from((text(inputs["publicKey"]) ?? "").trim()),
      TagSpecifications: this.tagSpecifications("key-pair", inputs),
    });
  }

  protected look(operation: Operation, id: string): Promise<KeyPairInfo | undefined> {
    return this.found(
      async () =>
        (await this.ec2(operation).describeKeyPairs({ KeyNames: [id], IncludePublicKey: true })).KeyPairs?.[0],
    );
  }

  protected tagsIn(key: KeyPairInfo): Tags | undefined {
    return key.Tags === undefined ? undefined : fromApiTags(key.Tags);
  }

  protected attributes(key: KeyPairInfo, inputs: Properties): Properties {
    return {
      arn: this.cloud().arn("ec2", `key-pair/${key.KeyName}`),
      keyName: key.KeyName ?? null,
      keyPairId: key.KeyPairId ?? null,
      keyType: key.KeyType ?? null,
      fingerprint: key.KeyFingerprint ?? null,
      // The API gives a comment of its own choice to it.
      publicKey: (text(inputs["publicKey"]) ?? key.PublicKey ?? "").trim(),
    };
  }

  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if (property === "publicKey" && typeof before === "string" && typeof after === "string")
      return before.trim() === after.trim();
    return super.same(property, before, after);
  }

  protected async converge(
    { operation }: Deadline,
    _id: string,
    remote: KeyPairInfo,
    inputs: Properties,
  ): Promise<void> {
    await this.retag(operation, String(remote.KeyPairId), fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove({ operation }: Deadline, { id }: State): Promise<void> {
    await this.ec2(operation).deleteKeyPair({ KeyName: id });
  }
}
