import { code } from "./code";
import { createApp } from "vue";
import { createPinia } from "pinia";
import "./base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "./tokens.css";
import App from "./App.vue";
import { i18n, initialLanguage, setLanguage } from "./i18n";
import { router } from "./router";
import { followTheme } from "./theme";
import { watchForNewVersion } from "./version";

followTheme();
watchForNewVersion();
void setLanguage(initialLanguage()).then(() => {
  createApp(App, { code }).use(createPinia()).use(i18n).use(router).mount("#app");
});
