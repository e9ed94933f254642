fn share<T: strait::Shareable>() {}

fn main() {
    share::<Vec<u8>>();
    share::<bool>();
}
