export default {
  // Files for any static host. felsic does not need this.
  output: "export",
};
