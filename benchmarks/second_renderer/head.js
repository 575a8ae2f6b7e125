// One head, drawn by three.js: its blend shapes, the shape and looks of a subject, light and camera.
//
// Shapes and blend shapes are added here and not on the graphics card, because a subject's shape also changes
// how far a blend shape moves a point.
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { KTX2Loader } from "three/addons/loaders/KTX2Loader.js";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";

const SIZE = 256;
const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
renderer.setSize(SIZE, SIZE);
renderer.shadowMap.enabled = true;
renderer.shadowMap.type = THREE.PCFSoftShadowMap;

const textures = new KTX2Loader().setTranscoderPath("/three/examples/jsm/libs/basis/").detectSupport(renderer);
const loader = new GLTFLoader().setKTX2Loader(textures).setMeshoptDecoder(MeshoptDecoder);
const file = await loader.loadAsync("/head.glb");
file.scene.updateMatrixWorld(true);

// Where each change of shape is (x is the distance from the middle), how wide it is, and its direction.
const CHANGES = {
  jawWidth: [0.75, -0.85, 0.25, 0.45, 1, 0, 0],
  chinLength: [0, -1.35, 0.6, 0.4, 0, -1, 0],
  chinForward: [0, -1.25, 0.8, 0.3, 0, 0, 1],
  cheekWidth: [0.8, -0.05, 0.45, 0.35, 1, 0, 0],
  cheekFull: [0.6, -0.4, 0.6, 0.3, 0.3, 0, 1],
  noseWidth: [0.18, -0.22, 1.0, 0.14, 1, 0, 0],
  noseLength: [0, -0.2, 1.1, 0.2, 0, -1, 0],
  noseBridge: [0, 0.2, 0.8, 0.2, 0, 0, 1],
  noseTip: [0, -0.15, 1.15, 0.17, 0, 0, 1],
  eyeSpacing: [0.33, 0.27, 0.4, 0.3, 1, 0, 0],
  browRidge: [0.35, 0.55, 0.75, 0.2, 0, 0, 1],
  foreheadForward: [0, 1.1, 0.7, 0.5, 0, 0, 1],
  mouthWidth: [0.25, -0.6, 0.85, 0.2, 1, 0, 0],
  lipsFull: [0, -0.6, 0.95, 0.15, 0, 0, 1],
};

function reshaped(point, shape) {
  const side = Math.tanh(point.x / 0.12);
  const moved = point.clone();
  for (const [name, [x, y, z, width, dx, dy, dz]] of Object.entries(CHANGES)) {
    const distance = (Math.abs(point.x) - x) ** 2 + (point.y - y) ** 2 + (point.z - z) ** 2;
    const by = shape[name] * Math.exp(-distance / (2 * width * width));
    moved.add(new THREE.Vector3(by * dx * side, by * dy, by * dz));
  }
  return moved.multiply(new THREE.Vector3(shape.width, shape.height, shape.depth));
}

const smooth = (from, to, x) => {
  const at = Math.min(1, Math.max(0, (x - from) / (to - from)));
  return at * at * (3 - 2 * at);
};

// 1 where hair grows: above a line that falls from the forehead over the ears to the neck.
function hairy(point) {
  const line = point.z > 0.1 ? 0.55 + 0.65 * smooth(0.1, 0.75, point.z) : 0.55 - 1.3 * smooth(0.1, -0.9, point.z);
  const ear = Math.abs(point.x) > 0.86 && point.y < 0.55 && point.z > -1.05 ? 0 : 1;
  return ear * smooth(line - 0.06, line + 0.08, point.y);
}

class Part {
  constructor(mesh, kind) {
    const source = mesh.geometry;
    const position = source.attributes.position;
    this.rest = [];
    for (let i = 0; i < position.count; i++) {
      this.rest.push(new THREE.Vector3().fromBufferAttribute(position, i).applyMatrix4(mesh.matrixWorld));
    }
    const linear = new THREE.Matrix3().setFromMatrix4(mesh.matrixWorld);
    this.targets = {};
    for (const [name, index] of Object.entries(mesh.morphTargetDictionary ?? {})) {
      const target = source.morphAttributes.position[index];
      this.targets[name] = this.rest.map((_, i) =>
        new THREE.Vector3().fromBufferAttribute(target, i).applyMatrix3(linear),
      );
    }
    // Points that a seam of the texture doubles share one normal.
    const first = new Map();
    this.twin = this.rest.map((point, i) => {
      const key = point.toArray().map((x) => x.toFixed(4)).join();
      if (!first.has(key)) first.set(key, i);
      return first.get(key);
    });
    this.geometry = new THREE.BufferGeometry();
    this.geometry.setIndex(source.index);
    this.geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(3 * this.rest.length), 3));
    this.geometry.setAttribute("hairy", new THREE.BufferAttribute(new Float32Array(this.rest.map(hairy)), 1));
    this.geometry.setAttribute("rest", new THREE.BufferAttribute(new Float32Array(this.rest.flatMap((p) => p.toArray())), 3));
    const uv = new Float32Array(2 * position.count);
    const map = mesh.material.map;
    map.updateMatrix();
    for (let i = 0; i < position.count; i++) {
      const at = new THREE.Vector2().fromBufferAttribute(source.attributes.uv, i);
      uv.set(at.applyMatrix3(map.matrix).toArray(), 2 * i);
    }
    this.geometry.setAttribute("uv", new THREE.BufferAttribute(uv, 2));
    this.kind = kind;
    this.mesh = new THREE.Mesh(this.geometry, material(kind, map));
    this.mesh.castShadow = kind === "skin";
    this.mesh.receiveShadow = true;
    this.mesh.frustumCulled = false;
  }

  become(who) {
    this.base = this.rest.map((point) => reshaped(point, who.shape));
    this.moves = {};
    for (const [name, target] of Object.entries(this.targets)) {
      this.moves[name] = target.map((move, i) =>
        move.lengthSq() < 1e-10
          ? null
          : reshaped(this.rest[i].clone().add(move), who.shape).sub(this.base[i]),
      );
    }
    if (this.kind === "skin" && who.length > 0) {
      this.set({});
      const normal = this.geometry.attributes.normal;
      this.base.forEach((point, i) => {
        const thick = 0.12 * this.geometry.attributes.hairy.getX(i);
        point.addScaledVector(new THREE.Vector3().fromBufferAttribute(normal, i), thick);
      });
    }
    for (const [name, value] of Object.entries(looks(who))) this.mesh.material.userData.uniforms[name].value = value;
  }

  set(weights) {
    const position = this.geometry.attributes.position;
    const at = this.base.map((point) => point.clone());
    for (const [name, weight] of Object.entries(weights)) {
      this.moves[name]?.forEach((move, i) => move && at[i].addScaledVector(move, weight));
    }
    at.forEach((point, i) => position.setXYZ(i, point.x, point.y, point.z));
    position.needsUpdate = true;
    this.geometry.computeVertexNormals();
    const normal = this.geometry.attributes.normal;
    const sums = new Map();
    for (let i = 0; i < at.length; i++) {
      const sum = sums.get(this.twin[i]) ?? sums.set(this.twin[i], new THREE.Vector3()).get(this.twin[i]);
      sum.add(new THREE.Vector3().fromBufferAttribute(normal, i));
    }
    for (let i = 0; i < at.length; i++) normal.setXYZ(i, ...sums.get(this.twin[i]).clone().normalize().toArray());
    normal.needsUpdate = true;
  }
}

function looks(who) {
  const colour = (rgb) => new THREE.Color(...rgb);
  return {
    skin: colour(who.skin), hair: colour(who.hair), iris: colour(who.iris),
    lips: who.lips, brow: who.brow, seed: who.seed, shaved: who.length === 0 ? 0.35 : 1,
  };
}

// The file's texture is grey. Its darker places stay; skin, brows, lids, lips and hair get colour, by where they
// are in the texture (1024 x 1024 in these numbers).
const PAINT = {
  skin: `
    vec2 at = vec2(vMapUv.x, 1.0 - vMapUv.y) * 1024.0;
    float grain = noise(vRest * 9.0 + seed) * 0.5 + noise(vRest * 31.0 + seed) * 0.3 + noise(vRest * 90.0 + seed) * 0.2;
    vec3 colour = skin * diffuseColor.rgb / 0.35 * (0.9 + 0.2 * grain);
    colour.r *= 1.0 + 0.06 * (noise(vRest * 3.0 + seed) - 0.5);
    vec2 mouth = (at - vec2(512.0, 180.0)) / vec2(56.0, 31.0);
    float lip = 1.0 - smoothstep(0.85, 1.08, length(mouth));
    colour = mix(colour, colour * vec3(0.95, 0.52, 0.5), lip * lips);
    float x = abs(at.x - 512.0);
    float along = (162.0 - x) / 130.0;
    float arch = 419.0 + 13.0 * sin(3.14159 * clamp(along, 0.0, 1.0) * 0.85);
    float thick = brow * (2.5 + 6.0 * smoothstep(0.0, 0.6, along));
    float hairs = 0.6 + 0.4 * noise(vec3(at.x * 0.35 + at.y * 0.2, at.y * 0.06, seed));
    float inBrow = smoothstep(0.0, 0.06, along) * smoothstep(1.03, 0.95, along)
      * smoothstep(thick + 3.0, thick - 3.0, abs(at.y - arch));
    colour = mix(colour, hair * 0.8, inBrow * hairs * 0.9);
    vec2 eye = (vec2(x, at.y) - vec2(110.0, 346.0)) / vec2(28.0, 17.0);
    float lash = smoothstep(0.92, 1.0, length(eye)) * smoothstep(1.3, 1.1, length(eye)) * (eye.y > 0.0 ? 0.85 : 0.35);
    colour = mix(colour, vec3(0.012, 0.009, 0.008), lash);
    float strands = 0.55 + 0.9 * noise(vec3(vRest.x * 26.0, vRest.y * 4.0, vRest.z * 9.0) + seed);
    colour = mix(colour, hair * strands, vHairy * shaved);
    if (at.x < 460.0 && at.y > 474.0 && at.y < 826.0 && diffuseColor.g < 0.06) colour = diffuseColor.rgb * vec3(2.4, 0.8, 0.75);
    if (at.y > 491.0 && (at.x < 147.0 || at.x > 872.0 || (at.x > 848.0 && at.y < 620.0))) colour = diffuseColor.rgb * TEETH;
    diffuseColor.rgb = colour;`,
  eye: `
    float white = smoothstep(0.45, 0.75, diffuseColor.r);
    diffuseColor.rgb = mix(iris * smoothstep(0.1, 0.3, diffuseColor.r) * 2.0, vec3(0.45, 0.42, 0.4), white);`,
  teeth: `
    diffuseColor.rgb *= TEETH;`,
};

const NOISE = `
  const vec3 TEETH = vec3(0.6, 0.56, 0.48);
  float hash(vec3 p) { return fract(sin(dot(p, vec3(12.9898, 78.233, 37.719))) * 43758.5453); }
  float noise(vec3 p) {
    vec3 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(
      mix(mix(hash(i), hash(i + vec3(1, 0, 0)), f.x), mix(hash(i + vec3(0, 1, 0)), hash(i + vec3(1, 1, 0)), f.x), f.y),
      mix(mix(hash(i + vec3(0, 0, 1)), hash(i + vec3(1, 0, 1)), f.x), mix(hash(i + vec3(0, 1, 1)), hash(i + vec3(1, 1, 1)), f.x), f.y),
      f.z);
  }`;

function material(kind, map) {
  const made = new THREE.MeshStandardMaterial({ map, roughness: kind === "skin" ? 0.55 : 0.25 });
  if (map) {
    map = made.map = map.clone();
    map.matrixAutoUpdate = false;
    map.matrix.identity(); // the points' texture coordinates are the final ones
  }
  const uniforms = Object.fromEntries(
    ["skin", "hair", "iris", "lips", "brow", "seed", "shaved"].map((name) => [name, { value: 0 }]),
  );
  made.userData.uniforms = uniforms;
  made.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nattribute float hairy; attribute vec3 rest; varying float vHairy; varying vec3 vRest;")
      .replace("#include <begin_vertex>", "#include <begin_vertex>\nvHairy = hairy; vRest = rest;");
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", `#include <common>
        uniform vec3 skin, hair, iris; uniform float lips, brow, seed, shaved; varying float vHairy; varying vec3 vRest;${NOISE}`)
      .replace("#include <map_fragment>", `#include <map_fragment>${PAINT[kind]}`);
  };
  made.customProgramCacheKey = () => kind;
  return made;
}

const parts = [];
file.scene.traverse((node) => {
  if (!node.isMesh) return;
  const kind = Object.keys(node.morphTargetDictionary ?? {}).length ? "skin" : node.parent.name === "teeth" ? "teeth" : "eye";
  parts.push(new Part(node, kind));
});

const scene = new THREE.Scene();
const head = new THREE.Group(); // turns about the top of the neck
head.position.set(0, -0.9, -0.5);
const inner = new THREE.Group();
inner.position.copy(head.position).negate();
head.add(inner);
scene.add(head);
for (const part of parts) inner.add(part.mesh);

const plain = (roughness) => new THREE.MeshStandardMaterial({ roughness });
// The neck stands behind the mouth's inside, which reaches far back.
const neck = new THREE.Mesh(new THREE.CylinderGeometry(0.7, 0.8, 2.4, 48), plain(0.6));
neck.position.set(0, -1.55, -0.98);
neck.rotation.x = 0.05;
const body = new THREE.Mesh(new THREE.SphereGeometry(1, 48, 32), plain(0.9));
body.scale.set(2.6, 1.15, 1.1);
body.position.set(0, -2.65, -0.7);
// Long hair: the back and the sides of a shell around the head, down to the neck.
const curtain = new THREE.Mesh(new THREE.SphereGeometry(1, 64, 48, Math.PI * 1.08, Math.PI * 0.84, 0, 2.25), plain(0.7));
curtain.material.side = THREE.DoubleSide;
curtain.scale.set(1.3, 1.75, 1.45);
curtain.position.set(0, 0.12, -0.35);
inner.add(curtain);
scene.add(neck, body);

const key = new THREE.DirectionalLight();
key.castShadow = true;
key.shadow.mapSize.set(512, 512);
Object.assign(key.shadow.camera, { left: -3, right: 3, top: 3, bottom: -3, near: 0.5, far: 12 });
key.shadow.bias = -0.002;
key.shadow.normalBias = 0.03;
key.shadow.radius = 2;
const fill = new THREE.HemisphereLight();
scene.add(key, fill);
const camera = new THREE.PerspectiveCamera(22, 1, 1, 40);

window.become = (who) => {
  for (const part of parts) part.become(who);
  neck.material.color.setRGB(...who.skin);
  neck.scale.x = who.shape.width;
  body.material.color.setRGB(...who.cloth);
  curtain.visible = who.length === 2;
  curtain.material.color.setRGB(...who.hair);
};

window.draw = ({ weights, pose, scene: set }) => {
  for (const part of parts) part.set(weights);
  head.rotation.set(pose[1], pose[0], pose[2]);
  scene.background = new THREE.Color(...set.background);
  key.position.set(...set.light);
  key.intensity = set.key;
  key.color.setRGB(1 + set.warmth, 1, 1 - set.warmth);
  fill.intensity = set.fill;
  fill.groundColor.setRGB(0.55, 0.5, 0.47);
  camera.position.set(0, 0, set.distance);
  camera.lookAt(0, -0.15, 0);
  renderer.render(scene, camera);
  return renderer.domElement.toDataURL("image/png");
};

window.shapes = () => parts.flatMap((part) => Object.keys(part.targets));
window.ready = true;
