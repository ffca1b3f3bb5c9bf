"""train.py ROOT [WORKERS [EPOCHS]]: an ordinary small training run; prints every step's loss to the last digit."""
import sys

import torch
from torch import nn
from torchvision import datasets, transforms

workers = int(sys.argv[2]) if len(sys.argv) > 2 else 0
epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
torch.set_num_threads(1)
torch.manual_seed(3)
model = nn.Sequential(nn.Conv2d(3, 8, 5, 4), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.LazyLinear(2))
data = datasets.ImageFolder(sys.argv[1], transforms.Compose([
    transforms.RandomResizedCrop(48), transforms.RandomHorizontalFlip(), transforms.ColorJitter(.2), transforms.ToTensor()]))
gen = torch.Generator()
gen.manual_seed(7)
loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, num_workers=workers, generator=gen)
model(torch.zeros(1, 3, 48, 48))
optimiser = torch.optim.SGD(model.parameters(), .01, momentum=.9)
for epoch in range(epochs):
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        print(epoch, loss.item().hex(), flush=True)
