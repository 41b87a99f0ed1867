export default {
  optimizeDeps: { exclude: ["felsic"] },
};
