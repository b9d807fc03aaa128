// gitlab-ci-local expects Node 22; of its novelties it uses these, and Node 20 is what this project allows.
Set.prototype.union ??= function union(other) {
  return new Set([...this, ...other]);
};
Set.prototype.difference ??= function difference(other) {
  return new Set([...this].filter((item) => !other.has(item)));
};
Set.prototype.intersection ??= function intersection(other) {
  return new Set([...this].filter((item) => other.has(item)));
};
