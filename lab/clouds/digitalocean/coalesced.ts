/** Work that is asked for more often than it can be done: requests that come while it runs are answered together by the next run. */
export class Coalesced {
  private running: Promise<void> | null = null;
  private next: Promise<void> | null = null;

  constructor(private readonly work: () => Promise<void>) {}

  /** Whether one is being carried out or wanted. */
  get busy(): boolean {
    return this.running !== null || this.next !== null;
  }

  request(): Promise<void> {
    if (this.running === null) {
      this.running = this.work().finally(() => {
        this.running = null;
      });
      return this.running;
    }
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = null;
        return this.request();
      });
    return this.next;
  }
}
