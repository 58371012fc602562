import { createRouter, createWebHistory } from "vue-router";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", redirect: "/desk" },
    { path: "/desk/:cid?/:pane(info)?", name: "desk", component: () => import("@/desk/DeskPage.vue") },
    { path: "/:rest(.*)*", name: "missing", component: () => import("./MissingPage.vue") },
  ],
});
