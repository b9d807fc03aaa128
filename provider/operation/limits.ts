/** How long gates wait, in seconds. Tests wait less. */
export const limits = {
  /** Machines of the control plane settle after the previous change: a leader is elected, a load balancer checks again. */
  settle: 90,
  /** Workers of a pool become ready again after the previous change. */
  settleWorkers: 60,
  /** Another machine of the control plane answers SSH. One that serves answers at once; another must not delay the verdict for long. */
  peer: 20,
  /** The machine that leaves answers SSH. Longer than for others: services that are not stopped cleanly are cut off. */
  leaving: 60,
  /** The same, where a refresh has found it gone. */
  lost: 10,
  /** A machine, or the API, answers a refresh. */
  read: 10,
  /** The same, after several that did not. */
  readNext: 2,
  /** The API answers again, also in the middle of a drain. A deletion must end even if the control plane is gone. */
  api: 30,
};
