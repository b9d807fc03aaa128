// What a reader can rely on in every file. Layout is prettier's.
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "coverage/", "**/*.mjs", "**/*.cjs"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      eqeqeq: "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      // Interfaces with async methods are implemented by some that have nothing to wait for.
      "@typescript-eslint/require-await": "off",
      // Values of the engine arrive as unknown and are told apart where they are used.
      "@typescript-eslint/no-base-to-string": "off",
      // `const { secret: _, ...rest } = all` leaves something out.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { varsIgnorePattern: "^_", argsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      // Outputs are meant to be put into texts of their own kind; numbers are fine in messages.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ["components/**", "infra/**"],
    rules: {
      // The engine's own log reaches the reader; standard output does not.
      "no-console": "error",
      "no-restricted-imports": [
        "error",
        {
          paths: [
            { name: "@pulumi/aws", message: "Loads in 5 seconds: import a class's own file, @pulumi/aws/ec2/vpc.js." },
          ],
        },
      ],
    },
  },
  {
    files: ["test/**", "bench/**"],
    rules: {
      // Tables of cases are long, and better in one piece.
      "max-lines": ["error", { max: 500, skipBlankLines: true, skipComments: true }],
      // Methods are taken from objects to be replaced by doubles.
      "@typescript-eslint/unbound-method": "off",
      // describe and it take async functions.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "mocha", name: ["describe", "it"] }] },
      ],
    },
  },
);
