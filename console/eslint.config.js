import vue from "eslint-plugin-vue";
import a11y from "eslint-plugin-vuejs-accessibility";
import tseslint from "typescript-eslint";

// What a visitor wrote is shown as text. These would show it as HTML.
const html = ["innerHTML", "outerHTML", "insertAdjacentHTML"].map((name) => ({
  selector: `MemberExpression[property.name="${name}"]`,
  message: "Text is shown as text.",
}));

export default tseslint.config(
  { ignores: ["dist", "node_modules", "generated"] },
  ...tseslint.configs.recommended,
  ...vue.configs["flat/recommended"],
  ...a11y.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    rules: {
      "vue/no-v-html": "error",
      "no-eval": "error",
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        ...html,
        { selector: 'Property[key.name="dangerouslyUseHTMLString"]', message: "Text is shown as text." },
      ],
      "vue/multi-word-component-names": "off",
      // The layout of templates is left to the writer.
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/first-attribute-linebreak": "off",
      "vue/multiline-html-element-content-newline": "off",
      "max-lines": ["error", 350],
      // A label that contains its control, or names it by `for`, is enough.
      "vuejs-accessibility/label-has-for": ["error", { required: { some: ["nesting", "id"] } }],
    },
  },
);
