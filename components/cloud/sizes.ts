/** Machine sizes of a cloud. Pure. */

export interface MachineSize {
  /** The cloud's name of it. */
  readonly name: string;
  readonly cpus: number;
  /** MB (2^20 bytes) as the cloud sells them; the kernel takes a share: see `usableMemory`. */
  readonly memory: number;
  /** GB of the machine's own disk; 0 where the disk's size is chosen with the machine. */
  readonly disk: number;
  /** Dollars a month, for choosing the cheapest and for estimates. */
  readonly monthly: number;
  /** Not in every region: taken where the stack names it, or where no other has what is needed. @default false */
  readonly rare?: true;
}

/** What a machine must have at least: CPUs, and MB of memory and disk. */
export interface MachineNeeds {
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
}

/** MB that processes can have: kernel and firmware take 64 MB and 3 % at most of what the cloud sells. */
export function usableMemory(size: Pick<MachineSize, "memory">): number {
  return Math.floor(size.memory * 0.97) - 64;
}

/** MB of a machine's own disk that the operating system takes: two copies of /usr, boot and OEM partitions, and room for its logs. */
export const systemDisk = 6 * 1024;

/** Whether a machine of the size has what is needed. */
export function holds(size: MachineSize, needs: MachineNeeds): boolean {
  return (
    size.cpus >= needs.cpus &&
    usableMemory(size) >= needs.memory &&
    (size.disk === 0 || size.disk * 1024 - systemDisk >= needs.disk)
  );
}

/** The cheapest size that has what is needed, the smaller one of two that cost the same; undefined when none has. */
export function smallestSize(sizes: readonly MachineSize[], needs: MachineNeeds): MachineSize | undefined {
  const cost = (size: MachineSize): number[] => [size.monthly, size.memory, size.cpus];
  const enough = sizes
    .filter((size) => holds(size, needs))
    .sort(
      (a, b) =>
        cost(a)
          .map((value, index) => value - cost(b)[index]!)
          .find((difference) => difference !== 0) ?? 0,
    );
  return enough.find(({ rare }) => !rare) ?? enough[0];
}
