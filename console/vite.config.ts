import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { defineConfig } from "vite";
import { compression, defineAlgorithm } from "vite-plugin-compression2";

// The API for `npm run dev` and `npm run preview`: `cargo run -p local`, or another address.
const api = process.env.KEFU_API ?? "http://127.0.0.1:3000";

// The API takes requests of its own pages only: those of this server are passed on as its own.
const proxy = { "/api": { target: api, changeOrigin: true, headers: { origin: new URL(api).origin } } };

export default defineConfig({
  plugins: [
    vue(),
    Components({ dts: false, resolvers: [ElementPlusResolver({ importStyle: "css" })] }),
    compression({ algorithms: [defineAlgorithm("brotliCompress")], include: /\.(js|css|html|svg|webmanifest|json)$/, threshold: 512 }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "true",
    __VUE_PROD_DEVTOOLS__: "false",
    __VUE_I18N_FULL_INSTALL__: "false",
    __VUE_I18N_LEGACY_API__: "false",
    __INTLIFY_PROD_DEVTOOLS__: "false",
  },
  build: {
    // Trusted Types: the polyfill would add inline script.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // An inlined asset would be a data: address in a style sheet, which the page's policy does not take for fonts.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "vue", test: /node_modules[\\/](@vue|vue|vue-router|pinia|vue-i18n|@intlify)[\\/]/ },
            { name: "ui", test: /node_modules[\\/](element-plus|@element-plus|@floating-ui|@popperjs|lodash|lodash-es|lodash-unified|@vueuse|async-validator|dayjs|memoize-one|normalize-wheel-es|@ctrl)[\\/]/ },
            // What the dialogs and the tabs, which are loaded when they are opened, share with the desk.
            { name: "desk", test: /src[\\/](desk|sync|parts)[\\/](?!(dialogs|side|frames|pictures|replies)[\\/])/ },
          ],
        },
      },
    },
  },
  server: { port: 5173, strictPort: true, proxy },
  preview: { port: 4173, strictPort: true, proxy },
});
