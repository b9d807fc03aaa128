/** Work that is asked for more often than it can be done: requests that come while it runs are answered together by the next run. */
export class Coalesced<T> {
  private running: Promise<T> | null = null;
  private next: Promise<T> | null = null;

  constructor(private readonly work: () => Promise<T>) {}

  /** Whether one is being carried out or wanted. */
  get busy(): boolean {
    return this.running !== null || this.next !== null;
  }

  request(): Promise<T> {
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
